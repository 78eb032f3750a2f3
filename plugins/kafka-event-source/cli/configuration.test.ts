import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mappingsOf } from '../definition.ts';
import type { Values } from './arguments.ts';
import { findProject, readProject } from './configuration.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'kes-cli-')));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

const FUNCTIONS = `
functions:
  notify:
    name: shop-notify
    timeout: 30
    events:
      - kafka: { topic: orders, consumerGroupId: group, batchSize: 7 }
  bill:
    events:
      - msk: { arn: 'arn:aws:kafka:eu-west-1:111111111111:cluster/shop/00000000-0000-4000-8000-000000000000-1', topic: bills }
`;

async function read(values: Values = {}, servers?: string[]) {
  const project = findProject(values, folder);
  const { loaded, names } = await readProject(project, values, servers);
  return { ...loaded, names, mappings: mappingsOf(loaded.definitions) };
}

test('the kafka-event-source.yml of the README has a mapping that AWS would take', async () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, block = ''] = /```yaml\n(broker: .*?)```/s.exec(readme) ?? [];
  write({ 'kafka-event-source.yml': block });
  const { mappings } = await read({}, ['localhost:9092']);
  expect(mappings.map(({ topic }) => topic)).toEqual(['orders']);
});

test.each([
  ['template.yaml', ['template.yaml', 'template.yml', 'cdk.out/A.template.json']],
  ['template.yml', ['template.yml', 'cdk.out/A.template.json']],
  [
    'cdk.out/A.template.json',
    ['cdk.out/A.template.json', '.serverless/cloudformation-template-update-stack.json'],
  ],
  [
    '.serverless/cloudformation-template-update-stack.json',
    ['.serverless/cloudformation-template-update-stack.json', 'cdk.out/manifest.json', 'plan.json'],
  ],
  ['plan.json', ['plan.json', 'serverless.yml']],
  ['cdk.out/A.template.json', ['cdk.out/A.template.json', 'cdk.out/ANested1.nested.template.json']],
])('%s is found', (expected, files) => {
  write(Object.fromEntries(files.map((file) => [file, '{}'])));
  expect(findProject({}, folder).template).toBe(join(folder, expected));
});

test('a template of the command line or of the file wins over those that are looked for', () => {
  write({ 'template.yaml': '', 'a/b.json': '{}', 'kafka-event-source.yml': 'template: a/b.json' });
  expect(findProject({}, folder).template).toBe(join(folder, 'a/b.json'));
  expect(findProject({ template: 'template.yaml' }, folder).template).toBe(
    join(folder, 'template.yaml'),
  );
});

test('the settings are found beside the template', () => {
  write({ 'app/template.yaml': '', 'app/kafka-event-source.yml': 'broker: start' });
  const project = findProject({ template: 'app/template.yaml' }, folder);
  expect(project).toMatchObject({ folder: join(folder, 'app'), broker: 'start', stage: 'local' });
});

const CDK = JSON.stringify({
  Resources: {
    Fn: { Type: 'AWS::Lambda::Function', Properties: { FunctionName: 'fn' } },
    FnKafka: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        FunctionName: { Ref: 'Fn' },
        EventSourceArn: 'arn:aws:kafka:us-east-1:111111111111:cluster/shop/a-1',
        Topics: ['orders'],
        StartingPosition: 'LATEST',
      },
    },
  },
});

test.each(['cdk.out/A.template.json', '.serverless/a.json'])(
  'the folder of the template %s is the one that its tool runs in',
  async (template) => {
    write({ [`one/${template}`]: CDK, 'one/kafka-event-source.yml': 'stage: here' });
    const project = findProject({ template: `one/${template}` }, folder);
    expect(project).toMatchObject({ folder: join(folder, 'one'), stage: 'here' });
    write({ [`two/${template}`]: CDK });
    expect(findProject({ template: `two/${template}` }, folder).folder).toBe(join(folder, 'two'));
  },
);

test('equal mappings of two CDK projects, or of two stacks, have groups of their own', async () => {
  const files = ['one/cdk.out/A', 'one/cdk.out/B', 'two/cdk.out/A'].map(
    (file) => `${file}.template.json`,
  );
  write(Object.fromEntries(files.map((file) => [file, CDK])));
  const all = await Promise.all(files.map((template) => read({ template, broker: 'a:1' })));
  const groups = all.flatMap(({ mappings }) => mappings.map(({ groupId }) => groupId));
  expect(new Set(groups).size).toBe(3);
});

test.each<[string, Record<string, string>, Values, string]>([
  ['nothing', {}, {}, 'Looked for template.yaml, template.yml, cdk.out/*.template.json'],
  [
    'two templates',
    { 'cdk.out/A.template.json': '', 'cdk.out/B.template.json': '' },
    {},
    'There are several templates: cdk.out/A.template.json, cdk.out/B.template.json',
  ],
  ['a template that is away', {}, { template: 'a.yaml' }, '--template: there is no file'],
  ['settings that are away', {}, { config: 'a.yaml' }, '--config: there is no file'],
  [
    'template and functions',
    { 'kafka-event-source.yml': `template: a.yaml\n${FUNCTIONS}` },
    {},
    'has both template and functions',
  ],
  ['no YAML', { 'kafka-event-source.yml': 'a: [' }, {}, 'is not YAML: Flow sequence'],
  ['nothing but serverless.yml', { 'serverless.yml': '' }, {}, 'or here after `sls package`.'],
  ['a folder', { 'a/b': '' }, { template: 'a' }, 'is a folder. Name a file in it.'],
  [
    'a function without events',
    { 'kafka-event-source.yml': 'functions: { a: {} }' },
    {},
    'functions.a.events: must be a list of kafka or msk events',
  ],
  [
    'a broker without a port',
    { 'kafka-event-source.yml': `broker: localhost\n${FUNCTIONS}` },
    {},
    'broker of kafka-event-source.yml "localhost" must be start, or host:port',
  ],
  ['a list', { 'kafka-event-source.yml': '- a' }, {}, 'must have names and values'],
  [
    'an unknown property',
    { 'kafka-event-source.yml': 'functions: { a: { handler: x, events: [{ kafka: {} }] } }' },
    {},
    'functions.a: "handler" is not known here',
  ],
  [
    'a misspelt property of an event',
    { 'kafka-event-source.yml': FUNCTIONS.replace('batchSize', 'batchsize') },
    {},
    'functions.notify.events.0.kafka: the mapping of topic orders has no property batchsize. Its ' +
      'properties are: accessConfigurations, batchSize,',
  ],
  [
    'a property of the other kind of cluster',
    {
      'kafka-event-source.yml':
        'functions: { a: { events: [msk: { topic: t, bootstrapServers: [b] }] } }',
    },
    {},
    'functions.a.events.0.msk: the mapping of topic t has no property bootstrapServers. Its ' +
      'properties are: arn,',
  ],
  [
    'a misspelt property within a property',
    {
      'kafka-event-source.yml':
        'functions: { a: { events: [kafka: { topic: t, provisionedPollers: { minimum: 1 } }] } }',
    },
    {},
    'functions.a.events.0.kafka: the mapping of topic t has no property provisionedPollers.minimum. ' +
      'Its properties are: provisionedPollers.group, provisionedPollers.max, provisionedPollers.min',
  ],
  [
    'an event of another kind',
    { 'kafka-event-source.yml': 'functions: { a: { events: [sqs: {}] } }' },
    {},
    'functions.a.events.0: must be kafka or msk',
  ],
])('%s: the error says so', (_, files, values, message) => {
  write(files);
  expect(() => findProject(values, folder)).toThrow(message);
});

test('functions need no more than a topic, and have the properties of serverless.yml', async () => {
  write({ 'kafka-event-source.yml': `bootstrapServers: localhost:9094\n${FUNCTIONS}` });
  const { mappings } = await read();
  expect(mappings).toMatchObject([
    {
      functionKey: 'notify',
      functionName: 'shop-notify',
      timeoutMs: 30_000,
      topic: 'orders',
      groupId: 'group',
      batchSize: 7,
      bootstrapServers: ['localhost:9094'],
      source: { eventSource: 'SelfManagedKafka' },
    },
    { functionKey: 'bill', functionName: 'bill', timeoutMs: 6_000, topic: 'bills' },
  ]);
});

test('topics whose names differ in their separators alone have mappings of their own', async () => {
  const events = (...topics: string[]) => topics.map((topic) => `{ kafka: { topic: ${topic} } }`);
  const file = (a: string[], b: string[]) =>
    `functions: { notify: { events: [${events(...a)}] }, Notify: { events: [${events(...b)}] } }`;
  const ids = async (a: string[], b: string[] = ['xx']) => {
    write({ 'kafka-event-source.yml': file(a, b) });
    const { mappings } = await read();
    return mappings.map(({ topic, logicalId, uuid }) => ({ topic, logicalId, uuid }));
  };
  const [alone] = await ids(['a.b']);
  expect(alone).toMatchObject({ logicalId: 'notifyKafkaAB' });
  const found = await ids(['a.b', 'a-b', 'A_B', 'other'], ['a.b', 'a-b']);
  expect(found.map(({ topic }) => topic)).toEqual(['a.b', 'a-b', 'A_B', 'other', 'a.b', 'a-b']);
  expect(new Set(found.map(({ logicalId }) => logicalId)).size).toBe(6);
  expect(new Set(found.map(({ uuid }) => uuid)).size).toBe(6);
  // The first keeps its id, and each other one has the same id at every start.
  expect(found[0]).toEqual(alone);
  expect(found[3]).toMatchObject({ logicalId: 'notifyKafkaOther' });
  expect(await ids(['a.b', 'A_B', 'a-b'])).toEqual([
    found[0],
    found[2],
    found[1],
    expect.objectContaining({ topic: 'xx' }),
  ]);
});

test('words such as no and on are texts in the file', async () => {
  write({ 'kafka-event-source.yml': `parameters: { Production: no, Mode: on }\n${FUNCTIONS}` });
  expect((await read()).options.parameters).toEqual({ Production: 'no', Mode: 'on' });
});

test('parameters of the file that are no names and values are refused', async () => {
  write({ 'kafka-event-source.yml': `parameters: Topic\n${FUNCTIONS}` });
  await expect(read()).rejects.toThrow('custom.kafkaEventSource.parameters: must be an object');
});

test('the command line wins over the file', async () => {
  const file = 'endpoint: http://localhost:1\nbroker: localhost:1\nparameters: { A: a, B: b }\n';
  write({ 'kafka-event-source.yml': file + FUNCTIONS });
  const before = await read();
  expect(before.mappings[0]).toMatchObject({
    lambdaEndpoint: 'http://localhost:1',
    bootstrapServers: ['localhost:1'],
  });
  const { mappings, options, names } = await read({
    endpoint: 'http://localhost:2',
    broker: 'localhost:2',
    parameter: ['B=c'],
    function: ['shop-notify=http://localhost:3', 'bill=other'],
    strict: true,
  });
  expect(mappings).toMatchObject([
    { lambdaEndpoint: 'http://localhost:3', bootstrapServers: ['localhost:2'] },
    { lambdaEndpoint: 'http://localhost:2', bootstrapServers: ['localhost:2'] },
  ]);
  expect(options).toMatchObject({ strict: true, parameters: { A: 'a', B: 'c' } });
  expect([...names]).toEqual([['bill', 'other']]);
});

describe('deployed functions', () => {
  const { env } = process;
  beforeEach(() => {
    process.env = { ...env, AWS_CONFIG_FILE: join(folder, 'aws') };
    delete process.env.AWS_REGION;
    write({ 'kafka-event-source.yml': `endpoint: aws\n${FUNCTIONS}` });
  });
  afterEach(() => {
    process.env = env;
  });

  test("the region is that of AWS's SDK where no option names it", async () => {
    write({ aws: '[default]\nregion = eu-south-2\n' });
    const { mappings } = await read();
    expect(mappings[0]).toMatchObject({
      lambdaEndpoint: 'aws',
      functionArn: expect.stringContaining(':eu-south-2:'),
    });
    const named = await read({ region: 'us-west-2' });
    expect(named.mappings[0]?.functionArn).toContain(':us-west-2:');
  });

  test('without any region the error names the options', async () => {
    process.env.AWS_CONFIG_FILE = join(folder, 'nowhere');
    await expect(read()).rejects.toThrow('name it by --region, AWS_REGION');
    // That of the cluster is known.
    const { mappings } = await read({
      broker: 'localhost:1',
      function: ['notify=http://localhost:1'],
    });
    expect(mappings[1]).toMatchObject({ functionKey: 'bill', lambdaEndpoint: 'aws' });
  });

  test('a function may have another endpoint', async () => {
    const { mappings } = await read({
      region: 'eu-west-1',
      broker: 'localhost:1',
      function: ['notify=http://localhost:1'],
    });
    expect(mappings).toMatchObject([
      { lambdaEndpoint: 'http://localhost:1' },
      { lambdaEndpoint: 'aws' },
    ]);
  });
});

test('an endpoint of the file that is no address is refused by its name there', async () => {
  write({ 'kafka-event-source.yml': `endpoint: localhost:3001\n${FUNCTIONS}` });
  await expect(read()).rejects.toThrow(
    'endpoint of kafka-event-source.yml "localhost:3001" must be an address, such as http://127.0.0.1:3001, or aws',
  );
});

test('a name at the endpoint stays when --watch reads another name of the function', async () => {
  write({ 'kafka-event-source.yml': FUNCTIONS });
  const values = { function: ['notify=here'] };
  const before = await read(values);
  write({ 'kafka-event-source.yml': FUNCTIONS.replace('shop-notify', 'shop-inform') });
  const { mappings, names } = await read(values);
  expect(mappings[0]).toMatchObject({ functionKey: 'notify', functionName: 'shop-inform' });
  expect(names).toEqual(before.names);
});

test('a broker that is started replaces the servers of the file, and gets the topics', async () => {
  write({ 'kafka-event-source.yml': `broker: start\nbootstrapServers: localhost:1\n${FUNCTIONS}` });
  const { mappings, options } = await read({}, ['localhost:9092']);
  expect(mappings[0]?.bootstrapServers).toEqual(['localhost:9092']);
  expect(options.createTopics).toBe(true);
});

test.each<[Values, string]>([
  [{ endpoint: 'localhost:3001' }, '--endpoint "localhost:3001" must be an address'],
  [{ endpoint: 'AWS' }, '--endpoint "AWS" must be an address, such as'],
  [{ function: ['pay=http://localhost:3'] }, 'no such function. There are: notify, bill.'],
  [{ function: ['notify'] }, '--function "notify" must be name=url or name=name.'],
])('the values %j are refused', async (values, message) => {
  write({ 'kafka-event-source.yml': FUNCTIONS });
  await expect(read(values)).rejects.toThrow(message);
});

test.each([
  ['Topics', /^--parameter Topics=…: no such parameter\. There are: Topic, Env\.$/],
  ['topic', /There are: Topic, Env\.$/],
  ['Topic', undefined],
  ['AWS::AccountId', undefined],
  ['{{resolve:ssm:/shop/topic}}', undefined],
  // A parameter of the file may belong to another template.
  ['Other', undefined],
])('a parameter of the command line is one of the template: %s', async (name, refusal) => {
  write({
    'template.yaml':
      'Parameters: { Topic: { Type: String }, Env: { Type: String } }\nResources: {}\n',
    'kafka-event-source.yml': 'parameters: { Other: x, Another: y }\n',
  });
  const done = read({ parameter: [`${name}=x`] });
  if (refusal) await expect(done).rejects.toThrow(refusal);
  else expect((await done).options.parameters).toMatchObject({ [name]: 'x', Another: 'y' });
});

test("a template's mappings are read with the parameters of the command line", async () => {
  write({
    'template.yaml': `
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Topic: { Type: String, Default: orders }
Resources:
  Notify:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python3.13
      Timeout: 20
      Events:
        Orders:
          Type: SelfManagedKafka
          Properties:
            KafkaBootstrapServers: [kafka.example.com:9096]
            Topics: [!Ref Topic]
            SourceAccessConfigurations:
              - { Type: SASL_SCRAM_512_AUTH, URI: !Sub 'arn:aws:secretsmanager:us-east-1:111111111111:secret:x' }
`,
  });
  const { mappings, definitions } = await read({
    broker: 'localhost:1',
    parameter: ['Topic=bills'],
  });
  expect(definitions.definitions.flatMap(({ refusals }) => refusals)).toEqual([]);
  expect(mappings).toMatchObject([
    { functionKey: 'Notify', topic: 'bills', timeoutMs: 20_000, bootstrapServers: ['localhost:1'] },
  ]);
});
