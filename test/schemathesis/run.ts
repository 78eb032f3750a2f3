import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { JWTPayload } from 'jose';
import { OPERATE } from '../../lib/identity/caller.ts';
import { readDefinition } from '../../local/definition.ts';
import { createResources } from '../../local/resources.ts';
import { ownBackend } from '../support/backend.ts';
import { ROOT } from '../support/root.ts';
import { startOffline } from '../support/sls.ts';
import { AUDIENCE, createSigner, ISSUER, jwtEnvironment } from '../support/tokens.ts';

const VERSION = '4.32.5';
const HOME = join(ROOT, `.local/schemathesis-${VERSION}`);
const LOG = join(ROOT, '.local/logs/schemathesis.log');
const PYTHON = join(HOME, 'bin/python');

const USAGE = `npm run test:schemathesis -- [--without-token] [--seconds 60] [--examples 100] [--seed 1] [-- options of schemathesis]

Starts Kafka, DynamoDB and the functions on free ports, and lets Schemathesis try the API with nothing
but the document that it serves and an operator's token; with --without-token it has none, and every
operation that is not open must answer 401. --seconds goes on until the time is over; --examples is how
many requests a phase makes for each operation.`;

/** An unknown method gets 401 before 405, since the caller is checked first. */
const WITHOUT_TOKEN = ['--exclude-checks', 'unsupported_method'];

/** Starts the whole system, runs Schemathesis against it, and ends both. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      examples: { type: 'string' },
      seed: { type: 'string' },
      'without-token': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  await mkdir(dirname(LOG), { recursive: true });
  await install();
  process.env.AWS_REGION ??= 'us-east-1';
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  const { backend } = await ownBackend('schemathesis');
  try {
    const { kafkaBrokers, dynamoEndpoint } = backend;
    await createResources({ dynamoEndpoint, kafkaBrokers, ...readDefinition(process.env) });
    const signer = await createSigner();
    const offline = await startOffline({
      KAFKA_BROKERS: kafkaBrokers,
      DYNAMODB_ENDPOINT: dynamoEndpoint,
      ...jwtEnvironment(ISSUER, signer.jwk),
      POWERTOOLS_LOG_LEVEL: 'ERROR',
    });
    try {
      const token = await signer.sign(operatorClaims());
      const config = values['without-token'] ? 'without-token.toml' : 'schemathesis.toml';
      return await schemathesis(offline.url, config, [
        ...(values['without-token']
          ? WITHOUT_TOKEN
          : ['--header', `Authorization: Bearer ${token}`]),
        ...(values.seconds ? ['--max-time', values.seconds] : []),
        ...(values.examples ? ['--max-examples', values.examples] : []),
        ...(values.seed ? ['--seed', values.seed] : []),
        ...positionals,
      ]);
    } finally {
      await offline.stop();
      await writeFile(LOG, offline.printed());
      console.log(`What the functions printed: ${LOG}`);
    }
  } finally {
    await backend.stop();
  }
}

function operatorClaims(): JWTPayload {
  const iat = Math.floor(Date.now() / 1_000);
  return { iss: ISSUER, aud: AUDIENCE, sub: 'operator-1', scope: OPERATE, iat, exp: iat + 86_400 };
}

/** A virtual environment of its own under .local/, once. */
async function install(): Promise<void> {
  if (existsSync(join(HOME, 'installed'))) return;
  await run('python3', ['-m', 'venv', '--clear', HOME]).catch((error) => {
    throw new Error(`Schemathesis needs Python 3.10 or newer with its module venv. ${error}`);
  });
  await run(PYTHON, ['-m', 'pip', 'install', '--quiet', `schemathesis==${VERSION}`]);
  await run(PYTHON, ['-c', `open(${JSON.stringify(join(HOME, 'installed'))}, 'w')`]);
}

function schemathesis(url: string, file: string, args: string[]): Promise<number> {
  const config = join(import.meta.dirname, file);
  const address = `${url}/api/openapi.json`;
  const { SCHEMATHESIS_HOOKS: _, ...env } = process.env;
  return exitCodeOf(
    join(HOME, 'bin/schemathesis'),
    ['--config-file', config, 'run', '--checks', 'all', '--max-failures', '20', ...args, address],
    { ...env, PYTHONPATH: import.meta.dirname },
  );
}

async function run(command: string, args: string[]): Promise<void> {
  const code = await exitCodeOf(command, args, process.env);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}.`);
}

function exitCodeOf(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const cwd = dirname(HOME); // It leaves a folder of its own where it runs.
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env, cwd });
    child.on('error', reject).on('close', (code) => resolve(code ?? 1));
  });
}

process.exitCode = await main();
