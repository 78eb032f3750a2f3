/** A small service in a folder of its own, for tests of `sls offline start` and `sls package`. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../broker/ports.ts';
import { startProgram } from '../support/program.ts';
import { link } from '../support/root.ts';
import type { Bench } from './bench.ts';

export const sls = createRequire(import.meta.url).resolve('serverless/bin/serverless.js');

interface ServiceOptions {
  readonly offline?: object;
  readonly runtime?: string;
  /** More functions with the same event, by their handlers; each has a group of its own. */
  readonly functions?: Readonly<Record<string, object>>;
  /** More properties of the function. */
  readonly definition?: object;
  readonly batchSize?: number;
  readonly functionResponseType?: string;
  readonly provisionedPollers?: object;
  readonly metricsConfig?: object;
  /** More resources of the template. */
  readonly resources?: object;
}

/** The function is `print`, or another of service/handler.mjs. */
export async function createService(
  { topic, groupId }: Bench,
  plugins: string[],
  handler = 'print',
  {
    offline = {},
    runtime = 'nodejs24.x',
    functions = {},
    definition = {},
    resources = {},
    ...event
  }: ServiceOptions = {},
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kes-service-'));
  const kafka = {
    accessConfigurations: { saslScram512Auth: 'arn:aws:secretsmanager:us-east-1:1:secret:x' },
    bootstrapServers: ['kafka.invalid:9096'],
    topic,
    consumerGroupId: groupId,
    ...event,
  };
  const service = {
    service: 'kafka-event-source',
    frameworkVersion: '4',
    configValidationMode: 'error',
    plugins,
    provider: { name: 'aws', runtime, stage: 'local' },
    custom: {
      'serverless-offline': { lambdaPort: await freePort(), noSponsor: true, ...offline },
      kafkaEventSource: { bootstrapServers: process.env.KAFKA_BROKERS },
    },
    resources: { Resources: resources },
    functions: {
      print: { ...definition, handler: `handler.${handler}`, events: [{ kafka }] },
      ...Object.fromEntries(
        Object.entries(functions).map(([name, own]) => {
          const consumerGroupId = `${groupId}-${name}`;
          return [name, { ...own, events: [{ kafka: { ...kafka, consumerGroupId } }] }];
        }),
      ),
    },
  };
  await writeFile(join(directory, 'serverless.json'), JSON.stringify(service));
  await cp(new URL('service/handler.mjs', import.meta.url), join(directory, 'handler.mjs'));
  await link(directory);
  return directory;
}

/** Runs `sls offline start` in the service's folder, and deletes the folder at the end of the test. */
export function runOffline(directory: string) {
  const program = startProgram(process.execPath, [sls, 'offline', 'start'], { cwd: directory });
  return {
    ...program,
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}
