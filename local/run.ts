import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { identityOf } from '../infra/identity.cjs';
import { kafkaAnswers } from '../plugins/kafka-event-source/broker/kafka.ts';
import { checkPorts } from '../plugins/kafka-event-source/broker/ports.ts';
import {
  type Supervisor,
  supervise,
  type Task,
  whileRunning,
} from '../plugins/kafka-event-source/broker/supervise.ts';
import { until } from '../plugins/kafka-event-source/broker/wait.ts';
import {
  type Addresses,
  addressesOn,
  type Backend,
  type ServiceName,
  serviceNames,
  servicesOn,
  startBackend,
} from './backend.ts';
import type { Choice } from './choose.ts';
import { prepare, untilUnused } from './data.ts';
import { readDefinition } from './definition.ts';
import { startDocker } from './docker.ts';
import { dynamodbAnswers } from './dynamodb.ts';
import { emulatorIn } from './emulator.ts';
import { AUDIENCE, issuerAt } from './issuer/issuer.ts';
import { createResources } from './resources.ts';
import type { Settings } from './settings.ts';

export type Plan = {
  backend: Choice;
  settings: Settings;
  /** Holds data/, logs/ and env.json. */
  directory: string;
  /** The command that serves the functions, with the addresses in its environment. */
  functions: Task;
  say(line: string): void;
};

const Healthy = z.looseObject({ success: z.literal(true) });

const ANSWER = 30_000;
const HEALTHY = 120_000;
const AGAIN = 10_000;

/** Runs everything until `stop` is aborted; throws when a start fails or the functions end. */
export async function run(plan: Plan, stop: AbortSignal): Promise<void> {
  await untilUnused(plan.directory, plan.say, stop);
  const supervisor = supervise(plan.directory);
  const over = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    over.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  if (stop.aborted) over.abort();
  stop.addEventListener('abort', () => over.abort(), { once: true });
  const serving = serve(plan, supervisor, over.signal);
  serving.catch(() => undefined); // After a stop, services that were still starting fail, as they should.
  try {
    await Promise.race([serving, stopped]);
  } finally {
    over.abort();
    plan.say('stopping');
    await supervisor.stop();
  }
}

async function serve(plan: Plan, supervisor: Supervisor, stop: AbortSignal) {
  const { backend, settings, say, directory } = plan;
  const { KAFKA_PORT: kafkaPort, DYNAMODB_PORT: dynamoPort, KAFKA_UI_PORT: uiPort } = settings;
  const own = backend === 'none' ? [] : serviceNames;
  await checkPorts([
    ...own.map((name) => servicesOn({ kafkaPort, dynamoPort })[name].port),
    ...(backend === 'docker'
      ? [{ what: 'the Kafka UI', port: uiPort, change: 'KAFKA_UI_PORT' }]
      : []),
    { what: 'the HTTP API', port: settings.HTTP_PORT, change: 'HTTP_PORT' },
    { what: "Lambda's Invoke API", port: settings.LAMBDA_PORT, change: 'LAMBDA_PORT' },
    ...(settings.AUTH === 'local'
      ? [{ what: 'the issuer of tokens', port: settings.ISSUER_PORT, change: 'ISSUER_PORT' }]
      : []),
  ]);
  prepare(directory);

  const found = backend === 'none' ? given(settings) : addressesOn({ kafkaPort, dynamoPort });
  say(`starting ${backend === 'none' ? '' : 'Kafka, DynamoDB and '}the functions`);
  const identity = identityIn(settings);
  const startServices = async () => {
    const options = { directory, kafkaPort, dynamoPort, supervisor, say };
    if (backend === 'java') {
      const started = await startBackend(options);
      for (const service of own) keepUp(service, started, plan, stop);
    } else {
      if (backend === 'docker') await startDocker({ ...options, uiPort });
      await answering(found);
    }
  };
  await serveFunctions(plan, supervisor, { ...found, identity }, async () => {
    await Promise.all([
      startServices(),
      settings.AUTH === 'local' && startIssuer(plan, supervisor),
    ]);
    const { table, topics } = readDefinition();
    await createResources({ ...found, table, topics });
  });
}

/** Starts the local issuer; it answers when this is done. */
async function startIssuer({ settings, directory }: Plan, supervisor: Supervisor): Promise<void> {
  const port = settings.ISSUER_PORT;
  const task: Task = {
    name: 'the issuer of tokens',
    command: process.execPath,
    args: [join(import.meta.dirname, 'issuer/issuer.ts'), String(port), directory],
    log: join(directory, 'logs/issuer.log'),
  };
  const keys = `${issuerAt(port)}/jwks`;
  await whileRunning(task, supervisor.run(task), (gone) =>
    until(`${task.name} on ${keys} to answer`, ANSWER, () => answersAt(keys), gone),
  );
}

async function answersAt(address: string): Promise<true> {
  const answer = await fetch(address, { signal: AbortSignal.timeout(5000) });
  await answer.body?.cancel();
  if (answer.ok) return true;
  throw new Error(`it answers ${answer.status}`);
}

/** The variables about callers, for the functions and for other terminals. */
function identityIn({ ISSUER_PORT, ...set }: Settings) {
  const issuer = { AUTH_ISSUER: issuerAt(ISSUER_PORT), AUTH_AUDIENCE: AUDIENCE };
  const env = set.AUTH === 'local' ? { ...set, ...issuer } : set;
  const { HASH_SECRET: _, AUTH_GATEWAY: __, ...told } = identityOf('local', {}, env, {});
  return told;
}

function given({ KAFKA_BROKERS = '', DYNAMODB_ENDPOINT = '' }: Settings): Addresses {
  return { kafkaBrokers: KAFKA_BROKERS, dynamoEndpoint: DYNAMODB_ENDPOINT };
}

async function answering({ kafkaBrokers, dynamoEndpoint }: Addresses) {
  const [kafka, dynamo] = [`Kafka on ${kafkaBrokers}`, `DynamoDB on ${dynamoEndpoint}`];
  await until(`${kafka} to answer`, ANSWER, () => kafkaAnswers(kafkaBrokers));
  await until(`${dynamo} to answer`, ANSWER, () => dynamodbAnswers(dynamoEndpoint));
}

type Found = Addresses & { identity: ReturnType<typeof identityIn> };

/** The functions load while the services start, and take the first request when those answer. */
async function serveFunctions(
  plan: Plan,
  supervisor: Supervisor,
  found: Found,
  startServices: () => Promise<void>,
) {
  const { settings, directory, say } = plan;
  const api = `http://localhost:${settings.HTTP_PORT}`;
  const env = {
    KAFKA_BROKERS: found.kafkaBrokers,
    DYNAMODB_ENDPOINT: found.dynamoEndpoint,
    AWS_REGION: settings.AWS_REGION,
    NOTIFICATION_UNSUBSCRIBE_URL:
      settings.NOTIFICATION_UNSUBSCRIBE_URL ?? `${api}/api/unsubscribe/`,
    ...found.identity,
  };
  // A start that was killed with its supervisor leaves this file, which would say too early that the services answer.
  const file = join(directory, 'env.json');
  rmSync(file, { force: true });
  supervisor.remove(file);

  const task = {
    ...plan.functions,
    env: {
      ...plan.functions.env,
      ...env,
      ...(await emulatorIn(settings, say)),
      START_WHEN_THERE: file,
    },
    first: true,
  };
  const child = supervisor.run(task);
  await whileRunning(task, child, async (gone) => {
    await startServices();
    writeFileSync(file, `${JSON.stringify(env, null, 2)}\n`);
    await until(`${api}/api/health to say that it works`, HEALTHY, () => healthy(api), gone);
  });
  say(
    `ready: HTTP API ${api}, Lambda http://localhost:${settings.LAMBDA_PORT}, ` +
      `Kafka ${found.kafkaBrokers}, DynamoDB ${found.dynamoEndpoint}. ` +
      `${callersIn(found.identity)} Ctrl-C stops everything.`,
  );
  const { how } = await child.ended;
  throw new Error(`The functions (${task.name}) ended by themselves: ${how}. See above for why.`);
}

function callersIn({ AUTH, AUTH_ISSUER }: Found['identity']): string {
  if (AUTH === 'local') return `Callers need a token of ${AUTH_ISSUER}: npm run token.`;
  if (AUTH === 'jwt') return `Callers need a token of ${AUTH_ISSUER}.`;
  const without = 'Nobody needs a token (AUTH=off): a caller without one is an operator.';
  return AUTH_ISSUER ? `${without} A token that is sent is checked.` : without;
}

/** Reads the body, too: serverless-offline may answer an error with status 200. */
async function healthy(api: string): Promise<true> {
  const answer = await fetch(`${api}/api/health`, { signal: AbortSignal.timeout(5000) });
  const text = await answer.text();
  if (answer.status === 200 && Healthy.safeParse(parsed(text)).success) return true;
  throw new Error(`it answers ${answer.status}: ${text}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // No JSON: the answer is shown unchanged.
  }
}

/** Starts a service again that ended by itself, or that somebody killed. */
async function keepUp(service: ServiceName, backend: Backend, { say }: Plan, stop: AbortSignal) {
  while (!stop.aborted) {
    const end = await backend.children.get(service)?.ended;
    if (stop.aborted) return;
    say(`${service} ended (${end?.how}); it is started again in ${AGAIN / 1000} s`);
    await sleep(AGAIN);
    if (stop.aborted) return;
    await backend.start(service).catch((error: Error) => say(error.message));
  }
}
