/** The commands `sls kafka …`: what the framework is told of them, and how they begin and end. */
import type { Serverless } from '../framework.ts';
import { REDRIVE_OPTIONS } from './redrive-options.ts';

/** As the framework lists them, with `sls kafka --help` and `sls kafka redrive --help`. */
export const COMMANDS = {
  kafka: {
    usage: 'The Kafka event source on this machine',
    commands: {
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

// Loaded when they run: a framework command of another kind does not wait for them.
const commands: Readonly<Record<CommandName, (context: CommandContext) => Promise<void>>> = {
  redrive: async (context) => (await import('./redrive-command.ts')).runRedrive(context),
};

/** Runs a command. Its errors are the framework's: what happened and what to do, without a stack. */
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
