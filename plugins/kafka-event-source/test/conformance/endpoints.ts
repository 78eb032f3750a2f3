/** The endpoints at which the function is invoked. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../../broker/ports.ts';
import { missingCommands, virtualEnvironment } from '../languages/toolchains.ts';
import { clientFolder, NATIVE } from '../support/node-runtime/client.ts';
import { startProgram } from '../support/program.ts';
import { MODULES } from '../support/root.ts';
import { plainEnvironment, startOffline } from '../support/sls.ts';
import { until } from '../support/until.ts';
import { lambdaAnswers, samAnswers, serveFunction } from './invoke-server.ts';
import { FUNCTION, TIMEOUT_SECONDS } from './templates.ts';

const run = promisify(execFile);

const EMULATOR =
  'github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@v0.0.0-20261030222936-bef5c4ba774d';
const HOME = join(dirname(MODULES), '.local/conformance');
const SOURCE = join(import.meta.dirname, 'function');
const INSTALL_MS = 5 * 60_000;

/** The deployed name of the function in a service of serverless-offline. */
export const OFFLINE_NAME = `conformance-local-${FUNCTION}`;

/** Where a frontend finds the function. */
export interface Started extends AsyncDisposable {
  /** Lambda's API, or the whole address of the function's invocations. */
  readonly url: string;
  /** The function's name there, if it is another one. */
  readonly functionName?: string;
}

export interface Endpoint {
  readonly name: string;
  readonly note?: string;
  /** What this machine lacks for it. */
  missing(): Promise<string | undefined>;
  /** Installs what it needs, once. */
  prepare(): Promise<void>;
  /** Starts it in a folder of its own; the function notes its events in `log`. */
  start(folder: string, log: string): Promise<Started>;
}

const nothing = async () => undefined;

export const OFFLINE: Endpoint = {
  name: 'serverless-offline',
  missing: nothing,
  prepare: nothing,
  /** Starts a service without the plugin, for frontends that do not run inside serverless-offline. */
  async start(folder, log) {
    await writeService(folder, log);
    const offline = await startOffline(folder);
    return {
      url: offline.lambdaUrl,
      functionName: OFFLINE_NAME,
      [Symbol.asyncDispose]: () => offline.stop(),
    };
  },
};

interface ServiceParts {
  readonly events?: readonly object[];
  readonly plugins?: readonly string[];
  readonly custom?: object;
}

/** A service of the framework with the function. */
export async function writeService(
  folder: string,
  log: string,
  { events = [], ...own }: ServiceParts = {},
): Promise<void> {
  const service = {
    service: 'conformance',
    provider: {
      name: 'aws',
      runtime: 'nodejs24.x',
      stage: 'local',
      environment: { CONFORMANCE_LOG: log },
    },
    plugins: ['serverless-offline'],
    functions: {
      [FUNCTION]: {
        handler: 'handler.conform',
        timeout: TIMEOUT_SECONDS,
        // serverless-offline says "Server ready" only where it has a route.
        events: [{ httpApi: 'GET /' }, ...events],
      },
    },
    ...own,
  };
  await writeFile(join(folder, 'serverless.json'), JSON.stringify(service));
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  await copyFile(join(SOURCE, 'handler.mjs'), join(folder, 'handler.mjs'));
}

const environment = (log: string) =>
  plainEnvironment({ CONFORMANCE_LOG: log }) as NodeJS.ProcessEnv;

export const ENDPOINTS: readonly Endpoint[] = [
  OFFLINE,
  {
    name: 'runtime interface emulator, Node',
    missing: lacksGo,
    async prepare() {
      await emulator();
      await clientFolder();
    },
    async start(_, log) {
      const client = join(await clientFolder(), 'index.mjs');
      return startEmulator([process.execPath, '--require', NATIVE, client], log);
    },
  },
  {
    name: 'runtime interface emulator, Python',
    missing: async () => (await lacksGo()) ?? (await lacksPython()),
    async prepare() {
      await emulator();
      await python();
    },
    start: async (_, log) => startEmulator([await python(), '-m', 'awslambdaric'], log),
  },
  {
    name: 'plain Invoke server',
    missing: nothing,
    prepare: nothing,
    start: (_, log) => serveFunction(lambdaAnswers, environment(log)),
  },
  {
    name: 'sam local start-lambda',
    note: 'replayed: its HTTP answers after the source of aws-sam-cli, since it needs Docker',
    missing: nothing,
    prepare: nothing,
    start: (_, log) => serveFunction(samAnswers(), environment(log)),
  },
];

async function lacksGo(): Promise<string | undefined> {
  const [command] = await missingCommands('go');
  return command && `this machine has no ${command}`;
}

async function lacksPython(): Promise<string | undefined> {
  return run('python3', ['-c', 'import ensurepip']).then(
    () => undefined,
    () => 'this machine has no python3 with venv',
  );
}

const python = () => virtualEnvironment(join(SOURCE, 'requirements.txt'));

/** The binary of AWS's runtime interface emulator, built in .local at first. */
async function emulator(): Promise<string> {
  const binary = join(HOME, EMULATOR.replace(/^.*@/, 'aws-lambda-rie-'));
  if (existsSync(binary)) return binary;
  const work = join(HOME, `build-${process.pid}`);
  await mkdir(work, { recursive: true });
  const env = { ...process.env, GOBIN: work };
  await run('go', ['install', EMULATOR], { env, timeout: INSTALL_MS });
  await rename(join(work, 'aws-lambda-rie'), binary);
  await rm(work, { recursive: true });
  return binary;
}

/** Starts the emulator with a runtime client, which it runs for the first invocation. */
async function startEmulator(client: readonly string[], log: string): Promise<Started> {
  const [port, runtimePort] = await freePorts(2);
  const program = startProgram(
    await emulator(),
    [
      ...['--runtime-interface-emulator-address', `127.0.0.1:${port}`],
      ...['--runtime-api-address', `127.0.0.1:${runtimePort}`],
      ...[...client, 'handler.conform'],
    ],
    {
      cwd: SOURCE,
      env: {
        ...environment(log),
        LAMBDA_TASK_ROOT: SOURCE,
        AWS_LAMBDA_FUNCTION_TIMEOUT: `${TIMEOUT_SECONDS}`,
        AWS_EXECUTION_ENV: 'AWS_Lambda_conformance',
        PYTHONDONTWRITEBYTECODE: '1',
      },
    },
  );
  const url = `http://127.0.0.1:${port}/2015-03-31/functions/function/invocations`;
  await until('the emulator', async () => {
    if (program.hasEnded()) throw new Error(`the emulator ended: ${program.output()}`);
    // Any answer will do: the path is not the function's.
    return fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => undefined,
    );
  }).catch(async (error) => {
    await program[Symbol.asyncDispose]();
    throw error;
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      await program.end('SIGTERM');
    },
  };
}
