import { join } from 'node:path';
import { chooseBackend } from './choose.ts';
import { offline } from './offline.ts';
import { ownOptions } from './options.ts';
import { run } from './run.ts';
import { readSettings } from './settings.ts';
import { stopSignal } from './stop.ts';

const root = join(import.meta.dirname, '..');

const VERBOSE = '--verbose';
const ALLOW_CHANGES = '--allow-changes';

const help = `npm start: Kafka, DynamoDB and the functions, all on this machine, until Ctrl-C.

  LOCAL_BACKEND   auto (default): Java 17+ with Maven, else Docker | java | docker
                  none: starts neither, uses KAFKA_BROKERS and DYNAMODB_ENDPOINT
  HTTP_PORT       the HTTP API, default 3001
  LAMBDA_PORT     Lambda's Invoke API, default 3002
  EMULATOR_PORT   the API of the emulator's mappings, default 3004; 0 for any free port
  OTEL_EXPORTER_OTLP_ENDPOINT
                  where the functions send their traces, default the emulator's page;
                  empty: they make none
  KAFKA_PORT      default 9092
  DYNAMODB_PORT   default 8000 (Java), 4566 (Docker: LocalStack)
  KAFKA_UI_PORT   default 8080 (Docker only)
  AWS_REGION      default us-east-1
  AUTH            off (default): nobody needs a token
                  local: callers need a token of the local issuer; npm run token makes one
                  jwt: of your own issuer, AUTH_ISSUER, for AUTH_AUDIENCE
  ISSUER_PORT     the local issuer, default 3005
  --verbose       shows all that serverless-offline prints, too
  --allow-changes lets coding assistants change something through the emulator's /mcp

Data and logs are in .local/ and stay; "npm run reset" clears them.
`;

const given = ownOptions(help, [VERBOSE, ALLOW_CHANGES]);
const isVerbose = given.has(VERBOSE);
const allowsChanges = given.has(ALLOW_CHANGES);

const stop = stopSignal();

try {
  const backend = await chooseBackend(process.env.LOCAL_BACKEND || 'auto');
  const settings = readSettings(process.env, backend);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const directory = join(root, '.local');
  const functions = offline(settings, isVerbose, allowsChanges);
  await run({ backend, settings, directory, functions, say }, stop);
  process.exit(0);
} catch (error) {
  if (stop.aborted) process.exit(0);
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
