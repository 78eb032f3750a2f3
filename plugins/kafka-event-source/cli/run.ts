/** Runs one command of `lambda-kafka-event-source`. */
import { type CommandName, runCommand } from '../commands/commands.ts';
import { findServers } from '../control/server.ts';
import { messageOf } from '../log.ts';
import { AWS, type Options } from '../options.ts';
import { useWords } from '../words.ts';
import { readArguments, type Values } from './arguments.ts';
import { findProject, readProject } from './configuration.ts';
import { createLog } from './log.ts';
import { COMMAND_WORDS } from './words.ts';

/** After a signal the command ends within ten seconds. */
const END_MS = 9_500;
/** Warnings that are not shown: kafkajs sets negative timers, and Node 22.15 calls globSync experimental. */
const SILENT = ['TimeoutNegativeWarning', 'ExperimentalWarning'];

/** Runs the command of these arguments to its end. @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  hideWarnings();
  useWords(COMMAND_WORDS);
  try {
    const found = readArguments(args);
    if (found.command === 'help') print(found.text);
    else if (found.command === 'start' || found.command === 'broker') {
      await runUntilStopped(found.command, found.values);
    } else await runOther(found.command, found.values);
    return 0;
  } catch (error) {
    process.stderr.write(`Error: ${messageOf(error)}\n`);
    return 1;
  }
}

function hideWarnings(): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (!SILENT.includes(warning.name)) process.stderr.write(`${warning}\n`);
  });
}

async function runUntilStopped(command: 'start' | 'broker', values: Values): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  const stop = () => {
    // The broker's supervisor ends with this process.
    setTimeout(() => process.exit(0), END_MS).unref();
    stopped.resolve();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  // Loaded here, so that the help does not wait for it.
  const { start, startBrokerAlone } = await import('./start.ts');
  const log = createLog(values.verbose === true);
  if (command === 'start') await start(values, log, stopped.promise);
  else await startBrokerAlone(process.cwd(), log, stopped.promise);
}

async function runOther(command: CommandName, values: Values): Promise<void> {
  const project = findProject(values, process.cwd());
  // A process that runs the service knows the broker that it has started.
  const servers = values.broker === undefined ? await findServers(project) : undefined;
  const { loaded, names } = await readProject(project, values, servers);
  const log = createLog(values.verbose === true);
  await runCommand(command, {
    loaded,
    place: project,
    options: values,
    debug: log.debug,
    print,
    endpoint: loaded.options.lambdaEndpoint,
    names,
    invocation: (functionKey, file) =>
      `aws lambda invoke --function-name ${functionKey} --cli-binary-format raw-in-base64-out ` +
      `--payload file://${file}${urlOption(loaded.options)} out.json`,
  });
}

/** Without the option the AWS CLI calls the deployed function. */
function urlOption({ lambdaEndpoint = '<endpoint>' }: Options): string {
  return lambdaEndpoint === AWS ? '' : ` --endpoint-url ${lambdaEndpoint}`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
