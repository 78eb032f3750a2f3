import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { unzipSync } from 'fflate';
import { operationOf } from '../support/operation.ts';
import { functionsInYml, ROOT } from '../support/root.ts';
import { plainEnvironment, sls } from '../support/sls.ts';

const run = promisify(execFile);
const names = Object.keys(functionsInYml());

/** Calls the handler of an unpacked function with its good sample, and prints its answer. */
const CALLER = `
  const [file, sample] = process.argv.slice(1);
  const { handler } = await import(file);
  const { readFile } = await import('node:fs/promises');
  const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 30000, functionName: 'f',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:f' };
  const answer = await handler(JSON.parse(await readFile(sample, 'utf8')), context)
    .catch((error) => ({ thrown: error.message }));
  process.stdout.write('\\n' + JSON.stringify(answer), () => process.exit());
`;

/** Answers that no operation has: these are no operations, or their sample is for stage local. */
const SPECIAL: Record<string, unknown> = {
  notFound: { statusCode: 404 },
  unsubscribe: { statusCode: 404 },
  sendDeferred: { thrown: 'DynamoDB did not answer in time.' },
  relayOutbox: { thrown: 'DynamoDB did not answer in time.' },
  notify: expect.objectContaining({ thrown: expect.any(String) }),
};

/** The answers of functions without Kafka and DynamoDB. */
function answerWithoutServices(name: string): unknown {
  if (name in SPECIAL) return SPECIAL[name];
  const { refusals, answer } = operationOf(name);
  return { statusCode: refusals.includes('DATABASE_AWAY') ? 503 : answer.status };
}

let folder: string;
// biome-ignore lint/suspicious/noExplicitAny: a CloudFormation template
let template: any;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orders-package-'));
  const { code, stderr } = await sls(['package', '--stage', 'prod', '--package', folder]);
  if (code !== 0) throw new Error(stderr);
  const text = await readFile(join(folder, 'cloudformation-template-update-stack.json'), 'utf8');
  template = JSON.parse(text);
}, 120_000);

async function unpacked(name: string) {
  return unzipSync(await readFile(join(folder, `${name}.zip`)));
}

afterAll(() => rm(folder, { recursive: true, force: true }));

test('the mapping reports item failures, and has the provisioned pollers that this needs', () => {
  const mappings = Object.values<{ Type: string; Properties: object }>(template.Resources).filter(
    ({ Type }) => Type === 'AWS::Lambda::EventSourceMapping',
  );
  expect(mappings.map(({ Properties }) => Properties)).toEqual([
    expect.objectContaining({
      Topics: ['order-events'],
      BatchSize: 100,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 3 },
      SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: 'order-notifications' },
    }),
  ]);
});

test('stage prod names no endpoint, no fallback address and no credentials', () => {
  for (const name of names) {
    const id = `${name[0]?.toUpperCase()}${name.slice(1)}LambdaFunction`;
    const { Runtime, Environment } = template.Resources[id].Properties;
    expect(Runtime).toBe('nodejs24.x');
    expect(Object.keys(Environment.Variables)).toEqual(
      expect.arrayContaining(['ORDERS_TABLE', 'ORDER_EVENTS_TOPIC', 'KAFKA_BROKERS']),
    );
    const local = Object.keys(Environment.Variables).filter((variable) =>
      /(?<!^OTEL_EXPORTER_OTLP_)ENDPOINT|FALLBACK|AWS_/.test(variable),
    );
    expect(local).toEqual([]);
  }
});

test('a zip holds its own function alone, and OpenTelemetry beside it', async () => {
  for (const name of names) {
    expect(Object.keys(await unpacked(name)).toSorted()).toEqual([
      `dist/${name}/THIRD-PARTY-NOTICES.txt`,
      `dist/${name}/handler.js`,
      `dist/${name}/handler.js.map`,
      `dist/${name}/otel.js`,
      `dist/${name}/otel.js.map`,
      `dist/${name}/package.json`,
    ]);
  }
});

test('every package that a bundle holds a part of has its licence in the zip', async () => {
  for (const name of names) {
    const files = await unpacked(name);
    const read = (file: string) => Buffer.from(files[`dist/${name}/${file}`] ?? '').toString();
    const notices = read('THIRD-PARTY-NOTICES.txt');
    const sources = ['handler', 'otel'].flatMap(
      (bundle): string[] => JSON.parse(read(`${bundle}.js.map`)).sources,
    );
    const packages = new Set(
      sources.flatMap((source) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source)?.[0] ?? []),
    );
    expect(packages.size).toBeGreaterThan(3);
    for (const folder of packages) {
      const json = await readFile(join(ROOT, 'dist', name, folder, 'package.json'), 'utf8');
      const { name: what, version, license } = JSON.parse(json);
      expect(notices).toContain(`\n${what} ${version} (${license})`);
    }
    expect(notices).toContain('Permission is hereby granted, free of charge');
  }
});

test.each(names)('%s runs from an empty folder', async (name) => {
  const home = await mkdtemp(join(tmpdir(), 'orders-bundle-'));
  try {
    for (const [file, contents] of Object.entries(await unpacked(name))) {
      await mkdir(join(home, dirname(file)), { recursive: true });
      await writeFile(join(home, file), contents);
    }
    const { [`${name[0]?.toUpperCase()}${name.slice(1)}LambdaFunction`]: resource } =
      template.Resources;
    const variables = Object.entries<unknown>(resource.Properties.Environment.Variables).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    );
    const { stdout } = await run(
      'node',
      [
        '--input-type=module',
        '-e',
        CALLER,
        join(home, `dist/${name}/handler.js`),
        join(ROOT, `events/${name}.json`),
      ],
      {
        cwd: home,
        timeout: 30_000,
        env: {
          ...plainEnvironment(Object.fromEntries(variables)),
          AWS_REGION: 'us-east-1',
          AWS_ACCESS_KEY_ID: 'a',
          AWS_SECRET_ACCESS_KEY: 'b',
          AUTH: 'off',
          DYNAMODB_ENDPOINT: 'http://localhost:1',
          KAFKA_BROKERS: 'localhost:1',
        },
      },
    );
    const answer = JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1));
    expect(answer).toMatchObject(answerWithoutServices(name) as object);
    expect(await readdir(home)).toEqual(['dist']);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
