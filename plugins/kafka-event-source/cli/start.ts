/** Runs `lambda-kafka-event-source start` until a signal stops it. */
import { relative } from 'node:path';
import type { Supervisor } from '../broker/supervise.ts';
import { type Loaded, mappingsOf } from '../definition.ts';
import { Engine } from '../engine.ts';
import { loadLambdaSdk } from '../lambda/aws.ts';
import { messageOf, type UserLog } from '../log.ts';
import { AWS } from '../options.ts';
import { refuseFaults, report } from '../report.ts';
import { UsageError, type Values } from './arguments.ts';
import { type Plan, planBroker, start as startBroker, superviseIn } from './broker.ts';
import { findProject, type Project, readProject } from './configuration.ts';
import { watchFiles } from './watch.ts';

const READY = 'ready. Ctrl-C ends it.';

/** The parts that are stopped when the command ends. */
interface Running {
  engine?: Engine;
  supervisor?: Supervisor;
  unwatch?: () => void;
}

/**
 * Runs the mappings.
 *
 * @param stopped resolves when everything shall end; then this returns
 * @throws Error for a wrong setting, or for a broker that does not start or that ends
 */
export function start(values: Values, log: UserLog, stopped: Promise<void>): Promise<void> {
  return runParts((running) => run(values, log, running), stopped);
}

/**
 * Runs a Kafka, whose data is kept in the folder.
 *
 * @param stopped resolves when it shall end; then this returns
 * @throws Error if it does not start, or ends
 */
export function startBrokerAlone(
  folder: string,
  log: UserLog,
  stopped: Promise<void>,
): Promise<void> {
  const say = (line: string) => log.notice(line);
  return runParts(async (running) => {
    const broker = await runBroker(await planBroker(folder, say, 'broker'), running, say);
    say(READY);
    return broker.ended ?? new Promise<never>(() => undefined);
  }, stopped);
}

async function runParts(
  run: (running: Running) => Promise<never>,
  stopped: Promise<void>,
): Promise<void> {
  const running: Running = {};
  try {
    await Promise.race([run(running), stopped]);
  } finally {
    running.unwatch?.();
    // The pollers commit before their broker ends.
    await running.engine?.stop();
    await running.supervisor?.stop();
  }
}

/** Starts everything, and returns only for an error. */
async function run(values: Values, log: UserLog, running: Running): Promise<never> {
  const say = (line: string) => log.notice(line);
  const project = findProject(values, process.cwd());
  for (const file of [project.template, project.config]) {
    if (file !== undefined) say(`Read ${relative(process.cwd(), file)}`);
  }
  const plan =
    project.broker === 'start' ? await planBroker(project.folder, say, 'start') : undefined;
  const servers = plan && [`localhost:${plan.port}`];
  const read = async () => {
    const found = await readProject(project, values, servers);
    return { ...found, endpoint: checked(found.loaded, log) };
  };
  const { loaded, names, endpoint } = await read();
  if (mappingsOf(loaded.definitions).some(({ lambdaEndpoint }) => lambdaEndpoint === AWS)) {
    await loadLambdaSdk();
  }
  const broker = plan && (await runBroker(plan, running, say));
  running.engine = await Engine.start(loaded, {
    place: project,
    log,
    endpoint,
    names,
  });
  if (values.watch === true) running.unwatch = watch(project, running.engine, read, log);
  say(READY);
  return broker?.ended ?? new Promise<never>(() => undefined);
}

/** Starts the broker. `ended` rejects when the broker ends. */
async function runBroker(
  plan: Plan,
  running: Running,
  say: (line: string) => void,
): Promise<{ readonly ended: Promise<never> | undefined }> {
  const supervisor = superviseIn(plan.directory);
  running.supervisor = supervisor;
  const { children } = await startBroker(plan, supervisor, say);
  const ended = children.get('kafka')?.ended.then(({ how }): never => {
    throw new Error(`Kafka ended (${how}). Its log: ${plan.directory}/logs/kafka.log`);
  });
  // Nobody waits for it while the engine starts: a rejection would then end the process.
  ended?.catch(() => undefined);
  return { ended };
}

/**
 * Checks that the service can run here.
 *
 * @returns the endpoint of its functions, or of the first one
 * @throws Error that names the fault
 */
function checked(loaded: Loaded, log: UserLog): string {
  const { definitions, options } = loaded;
  if (definitions.definitions.length === 0)
    throw new UsageError(
      'There is no Kafka event source here. In SAM it is an event of type MSK or SelfManagedKafka, in ' +
        'CloudFormation an AWS::Lambda::EventSourceMapping with Topics, in Terraform an ' +
        'aws_lambda_event_source_mapping with topics, in kafka-event-source.yml an event kafka or msk.',
    );
  refuseFaults(loaded);
  const mappings = mappingsOf(definitions);
  const [first] = mappings;
  if (!first) {
    report(definitions, options, log);
    throw new Error('No mapping can start, for the reasons above.');
  }
  const without = mappings.filter(({ lambdaEndpoint }) => lambdaEndpoint === undefined);
  const endpoint = options.lambdaEndpoint ?? first.lambdaEndpoint;
  if (without.length === 0 && endpoint !== undefined) return endpoint;
  const keys = without.map(({ functionKey }) => functionKey);
  throw new UsageError(
    `No endpoint for ${[...new Set(keys)].join(', ')}. Name the address at which functions are ` +
      'invoked by --endpoint. Usual ones: http://127.0.0.1:3001 (sam local start-lambda), ' +
      'http://127.0.0.1:3002 (serverless-offline), http://127.0.0.1:4566 (LocalStack), ' +
      'http://127.0.0.1:8080 or :9000 (runtime interface emulator; with ' +
      '/2015-03-31/functions/function/invocations), aws (the deployed functions: they change real data).',
  );
}

function watch(
  { template, config }: Project,
  engine: Engine,
  read: () => ReturnType<typeof readProject>,
  log: UserLog,
): () => void {
  const files = [template, config].flatMap((file) => file ?? []);
  return watchFiles(files, async () => {
    try {
      const { loaded } = await read();
      log.notice('A file has changed: the mappings are read again.');
      await engine.replace(loaded);
    } catch (error) {
      log.error(`The mappings stay as they are: ${messageOf(error)}`);
    }
  });
}
