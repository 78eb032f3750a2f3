/** The commands `sls kafka …`: their description for the framework, and the way to run them. */
import type { Serverless } from '../framework.ts';
import { ALARMS_OPTIONS } from './alarms-options.ts';
import { GENERATE_OPTIONS } from './generate-options.ts';
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
      'generate-event': {
        usage: 'Print an event as the function gets it, for `sls invoke local --path`',
        lifecycleEvents: ['run'],
        options: GENERATE_OPTIONS,
      },
      redrive: {
        usage: 'Put dead letters back on the topics that their records came from',
        lifecycleEvents: ['run'],
        options: REDRIVE_OPTIONS,
      },
    },
  },
} as const;

export type CommandName = keyof (typeof COMMANDS)['kafka']['commands'];

export interface CommandUtils {
  readonly log: Readonly<Record<'notice' | 'warning' | 'debug', (message: string) => void>>;
  readonly writeText?: (text: string) => void;
}

export interface CommandContext {
  readonly serverless: Serverless;
  readonly options: Readonly<Record<string, unknown>>;
  readonly debug: (message: string) => void;
  readonly print: (text: string) => void;
}

// Loaded when they run, so that the framework's other commands do not wait for them.
const commands: Readonly<Record<CommandName, (context: CommandContext) => Promise<void>>> = {
  status: async (context) => (await import('./status-command.ts')).runStatus(context),
  alarms: async (context) => (await import('./alarms-command.ts')).runAlarms(context),
  'generate-event': async (context) => (await import('./generate-command.ts')).runGenerate(context),
  redrive: async (context) => (await import('./redrive-command.ts')).runRedrive(context),
};

/** Runs a command. Its errors become the framework's own, which are printed without a stack. */
export async function runCommand(
  name: CommandName,
  serverless: Serverless,
  options: object,
  { log, writeText = (text) => void process.stdout.write(`${text}\n`) }: CommandUtils,
): Promise<void> {
  const { Error: FrameworkError } = serverless.classes;
  try {
    await commands[name]({
      serverless,
      options: options as Readonly<Record<string, unknown>>,
      debug: (message) => log.debug(message),
      print: writeText,
    });
  } catch (error) {
    if (error instanceof FrameworkError) throw error;
    const message = error instanceof Error ? error.message || error.name : String(error);
    throw new FrameworkError(message, 'KAFKA_EVENT_SOURCE_COMMAND');
  }
}
