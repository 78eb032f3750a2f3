/**
 * The commands `sls kafka …`, which `lambda-kafka-event-source …` has too: their description as the
 * framework takes it, and the way to run them.
 */
import type { Place } from '../control/server.ts';
import type { Loaded } from '../definition.ts';
import { harmless } from '../harmless.ts';
import { ALARMS_OPTIONS } from './alarms-options.ts';
import { GENERATE_OPTIONS } from './generate-options.ts';
import { MAPPINGS_OPTIONS } from './mappings-options.ts';
import { PRODUCE_OPTIONS } from './produce-options.ts';
import { EXPORT_OPTIONS, IMPORT_OPTIONS, REPLAY_OPTIONS } from './record-options.ts';
import { REDRIVE_OPTIONS } from './redrive-options.ts';
import { STATUS_OPTIONS } from './status-options.ts';

/** As the framework lists them, with `sls kafka --help` and `sls kafka redrive --help`. */
export const COMMANDS = {
  kafka: {
    usage: 'The Kafka event source on this machine',
    commands: {
      status: {
        usage: "Show each mapping's state, its lag, and the reason if it does not go on",
        lifecycleEvents: ['run'],
        options: STATUS_OPTIONS,
      },
      alarms: {
        usage:
          "Show which of the template's alarms on Kafka mappings would have rung since the start",
        lifecycleEvents: ['run'],
        options: ALARMS_OPTIONS,
      },
      mappings: {
        usage: 'Show the mappings, each setting as it is deployed and as it runs here',
        lifecycleEvents: ['run'],
        options: MAPPINGS_OPTIONS,
      },
      'generate-event': {
        usage: 'Print an event as the function gets it, to invoke the function with',
        lifecycleEvents: ['run'],
        options: GENERATE_OPTIONS,
      },
      produce: {
        usage: "Write records to a mapping's topic",
        lifecycleEvents: ['run'],
        options: PRODUCE_OPTIONS,
      },
      redrive: {
        usage: 'Put dead letters back on the topics that their records came from',
        lifecycleEvents: ['run'],
        options: REDRIVE_OPTIONS,
      },
      record: {
        usage: "Take the recorder's memory to another machine",
        commands: {
          export: {
            usage: 'Write records, invocations and settings into one file, without private fields',
            lifecycleEvents: ['run'],
            options: EXPORT_OPTIONS,
          },
          import: {
            usage: 'Show an export of another machine on the page, read-only',
            lifecycleEvents: ['run'],
            options: IMPORT_OPTIONS,
          },
          replay: {
            usage: "Run an export's invocations again here, and fail if answers differ",
            lifecycleEvents: ['run'],
            options: REPLAY_OPTIONS,
          },
        },
      },
    },
  },
} as const;

const { record, ...others } = COMMANDS.kafka.commands;

/** Each command by its whole name. */
export const NAMED = {
  ...others,
  'record export': record.commands.export,
  'record import': record.commands.import,
  'record replay': record.commands.replay,
} as const satisfies Record<keyof typeof others | `record ${keyof typeof record.commands}`, object>;

export type CommandName = keyof typeof NAMED;

export interface CommandContext {
  readonly loaded: Loaded;
  readonly place: Place;
  readonly options: Readonly<Record<string, unknown>>;
  readonly debug: (message: string) => void;
  readonly print: (text: string) => void;
  /** Lambda's API for functions without an address in the settings; undefined if there is none. */
  readonly endpoint?: string | undefined;
  /** Names of functions at the endpoint, by the functions' keys. */
  readonly names?: ReadonlyMap<string, string>;
  /** The command that invokes a function with the event in a file. */
  readonly invocation: (functionKey: string, file: string) => string;
}

// Loaded when they run, so that the framework's other commands do not wait for them.
const commands: Readonly<Record<CommandName, (context: CommandContext) => Promise<void>>> = {
  status: async (context) => (await import('./status-command.ts')).runStatus(context),
  alarms: async (context) => (await import('./alarms-command.ts')).runAlarms(context),
  mappings: async (context) => (await import('./mappings-command.ts')).runMappings(context),
  'generate-event': async (context) => (await import('./generate-command.ts')).runGenerate(context),
  produce: async (context) => (await import('./produce-command.ts')).runProduce(context),
  redrive: async (context) => (await import('./redrive-command.ts')).runRedrive(context),
  'record export': async (context) => (await import('./record-command.ts')).runExport(context),
  'record import': async (context) => (await import('./record-command.ts')).runImport(context),
  'record replay': async (context) => (await import('./replay-command.ts')).runReplay(context),
};

/** Runs a command. @throws Error with a message for the user */
export function runCommand(name: CommandName, context: CommandContext): Promise<void> {
  // Letters, records and exports have texts of others.
  const print = (text: string) => context.print(harmless(text));
  return commands[name]({ ...context, print });
}
