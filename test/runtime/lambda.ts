import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  clientFolder,
  NATIVE,
} from '../../plugins/kafka-event-source/test/support/node-runtime/client.ts';
import { ROOT } from '../support/root.ts';
import type { PackagedFunction } from './package.ts';
import { type Outcome, startRuntimeApi } from './runtime-api.ts';
import { unpack } from './zip.ts';

const NODE = join(ROOT, 'node_modules/.bin/node');
/** As nodejs22.x, stricter than nodejs24.x: a file must be declared a module; its syntax does not count. */
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html
const FLAGS = ['--no-experimental-require-module', '--no-experimental-detect-module'];
/** Only against an instance that hangs: a busy machine may be slower than Lambda's own limits. */
const HANGING_MS = 60_000;
const ARN = 'arn:aws:lambda:us-east-1:123456789012:function';

/** An instance that runs. */
export type Lambda = Awaited<ReturnType<typeof startLambda>>;

/**
 * An instance of a packaged function: its zip unpacked where no folder of packages is near, run by
 * AWS's runtime interface client with the environment of the template, changed by `changes`.
 *
 * @param alter changes the unpacked folder before it is run
 */
export async function startLambda(
  definition: PackagedFunction,
  changes: Record<string, string> = {},
  alter: (taskRoot: string) => Promise<void> = async () => undefined,
  options: Parameters<typeof startRuntimeApi>[1] = {},
) {
  const root = await mkdtemp(join(tmpdir(), 'orders-task-'));
  const taskRoot = join(root, 'task');
  const modes = await unpack(definition.zip, taskRoot);
  await alter(taskRoot);
  const api = await startRuntimeApi(`${ARN}:${definition.name}`, options);
  const client = await clientFolder();
  const compiled = existsSync(join(client, 'rapid-client.node'));
  const child = spawn(
    NODE,
    [...FLAGS, ...(compiled ? [] : ['-r', NATIVE]), join(client, 'index.mjs')],
    {
      cwd: taskRoot,
      env: {
        ...definition.environment,
        ...reserved(definition, taskRoot),
        AWS_LAMBDA_RUNTIME_API: api.address,
        ...changes,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const ended = closed.then((): never => {
    throw new Error(`${definition.name} has ended.\n${log}`);
  });
  ended.catch(() => undefined); // every invocation reports it
  const within = async <T>(what: string, work: Promise<T>): Promise<T> => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`${definition.name}: no ${what} in ${HANGING_MS} ms.\n${log}`)),
      HANGING_MS,
    );
    try {
      return await Promise.race([work, ended, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
  /** Resolves with the answer; the invocation may go on. */
  const ask = (event: unknown) => within('answer', api.invoke(event, definition.timeoutMs));
  const idle = () => within('end of its invocation', api.idle());
  return {
    modes,
    log: () => log,
    /** The error that the runtime reports to Lambda instead of taking an event. */
    initFailed: () => within('error at its start', api.initFailed),
    ask,
    /** Whether Lambda may freeze the instance. */
    isIdle: api.isIdle,
    idle,
    /** Resolves with the answer when the invocation has ended, too. */
    async invoke(event: unknown): Promise<Outcome> {
      const outcome = await ask(event);
      await idle();
      return outcome;
    },
    /** Between two invocations Lambda lets nothing of an instance run. */
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    /** As when the machine below an instance dies. */
    async die() {
      child.kill('SIGKILL');
      await closed;
    },
    async stop() {
      child.kill('SIGKILL');
      await closed;
      api.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** The variables that Lambda itself sets. */
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
function reserved({ name, handler, memory }: PackagedFunction, taskRoot: string) {
  return {
    _HANDLER: handler,
    LAMBDA_TASK_ROOT: taskRoot,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memory),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
  };
}
