import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { packageStage } from '../runtime/package.ts';
import { namesIn } from '../support/names.ts';
import { ROOT } from '../support/root.ts';

/** The release that made the stacks of stage prod: its template as {@link namesIn} reads it. */
const BEFORE = join(ROOT, 'test/fixtures/template/prod.json');

const AUTHORIZER = 'AWS::ApiGatewayV2::Authorizer';
const CLUSTER =
  'arn:aws:kafka:eu-west-1:123456789012:cluster/shop/0f0f0f0f-1111-2222-3333-444444444444-5';
const MSK = { KAFKA_KIND: 'msk-iam', MSK_CLUSTER_ARN: CLUSTER };
const RENAMED = { ORDER_EVENTS_TOPIC: 'order-events-v2' };

type Packaged = Awaited<ReturnType<typeof packageStage>>;
type Mapping = { id: string; topics: string[]; group: string; servers: string[] };

const packages = {
  prod: ['prod', {}],
  'prod, topic renamed': ['prod', RENAMED],
  'prod, upgraded and warmed': ['prod', { TABLE_LAYOUT: '1', TABLE_WARM_WRITES: '12000' }],
  'pr-12': ['pr-12', {}],
  'pr-12 on MSK': ['pr-12', MSK],
  'pr-12 on MSK, topic renamed': ['pr-12', { ...MSK, ...RENAMED }],
} as const;
const packaged = new Map<string, Packaged>();

beforeAll(async () => {
  for (const [name, [stage, env]] of Object.entries(packages)) {
    packaged.set(name, await packageStage(stage, env));
  }
}, 300_000);

afterAll(async () => {
  for (const { remove } of packaged.values()) await remove();
});

type Keyed = {
  KeySchema: { AttributeName: string }[];
  WarmThroughput?: { WriteUnitsPerSecond: number };
};
type Table = Keyed & {
  AttributeDefinitions: { AttributeName: string }[];
  GlobalSecondaryIndexes: (Keyed & { IndexName: string })[];
};

const tableOf = (name: keyof typeof packages): Table =>
  read(name).resources.OrdersTable?.Properties as Table;

function read(name: keyof typeof packages): Packaged {
  const found = packaged.get(name);
  if (!found) throw new Error(`${name} is not packaged`);
  return found;
}

const mappings = (name: keyof typeof packages): Mapping[] =>
  Object.entries(read(name).resources)
    .filter(([, { Type }]) => Type === 'AWS::Lambda::EventSourceMapping')
    .map(([id, { Properties }]) => ({
      id,
      topics: Properties.Topics,
      group: (
        Properties.SelfManagedKafkaEventSourceConfig ??
        Properties.AmazonManagedKafkaEventSourceConfig
      ).ConsumerGroupId,
      servers: Properties.SelfManagedEventSource?.Endpoints.KafkaBootstrapServers ?? [
        Properties.EventSourceArn,
      ],
    }));

test('stage prod keeps every logical id and name of the release before', async () => {
  const before = JSON.parse(await readFile(BEFORE, 'utf8'));
  const now = namesIn(read('prod'));
  const kept = Object.fromEntries(Object.entries(now).filter(([id]) => id in before));
  expect(Object.keys(before).length).toBeGreaterThan(100);
  expect(kept).toEqual(before);
});

test('the table has the indexes of its layout, no attribute without a key, and the rate that is set', () => {
  const indexes = ({ GlobalSecondaryIndexes }: Table) =>
    GlobalSecondaryIndexes.map(({ IndexName }) => IndexName);
  const [now, before] = [tableOf('prod'), tableOf('prod, upgraded and warmed')];
  expect(indexes(before)).toEqual([...indexes(now), 'byChange']);
  for (const table of [now, before]) {
    const keyed = [table, ...table.GlobalSecondaryIndexes].flatMap(({ KeySchema }) => KeySchema);
    expect(new Set(keyed.map(({ AttributeName }) => AttributeName))).toEqual(
      new Set(table.AttributeDefinitions.map(({ AttributeName }) => AttributeName)),
    );
  }
  const warmth = (table: Table) => {
    return [table, ...table.GlobalSecondaryIndexes].map(({ WarmThroughput }) => WarmThroughput);
  };
  expect(new Set(warmth(now))).toEqual(new Set([undefined]));
  expect(new Set(warmth(before).map((warm) => warm?.WriteUnitsPerSecond))).toEqual(
    new Set([12_000]),
  );
  const layouts = (name: keyof typeof packages) =>
    new Set(read(name).functions.map(({ environment }) => environment.TABLE_LAYOUT));
  expect(layouts('prod')).toEqual(new Set(['2']));
  expect(layouts('prod, upgraded and warmed')).toEqual(new Set(['1']));
});

test('a stage of any name is the same stack under names of its own', () => {
  const own = JSON.stringify(namesIn(read('pr-12')));
  // The tables and topics of prod have names without a stage.
  const named = JSON.stringify(namesIn(read('prod')))
    .replaceAll(/"(orders|order-events|order-events-dlq|order-notifications)"/g, '"$1-prod"')
    .replaceAll('kafka://order-events-dlq"', 'kafka://order-events-dlq-prod"');
  const renamed = own.replaceAll('pr12', '').replaceAll('pr-12', 'prod');
  expect(JSON.parse(renamed)).toEqual(JSON.parse(named));
  for (const { environment } of read('pr-12').functions) {
    expect(environment).toMatchObject({
      ORDERS_TABLE: 'orders-pr-12',
      ORDER_EVENTS_TOPIC: 'order-events-pr-12',
      ORDER_EVENTS_DLQ: 'order-events-dlq-pr-12',
      POWERTOOLS_METRICS_NAMESPACE: 'orders-pr-12',
    });
  }
});

test('the authorizer has one name below each API, which routes and a later release refer to', () => {
  for (const stage of ['prod', 'pr-12'] as const) {
    const names = Object.entries(namesIn(read(stage)));
    const authorizers = names.filter(([, found]) => Object(found).Type === AUTHORIZER);
    expect(authorizers).toEqual([
      ['HttpApiAuthorizerTokens', { Type: AUTHORIZER, Name: 'tokens' }],
    ]);
  }
});

test('two stages share no name that an account or a Kafka has once', () => {
  const [one, other] = [namesSet('prod'), namesSet('pr-12')];
  expect(one.size).toBeGreaterThan(40);
  expect([...one].filter((name) => other.has(name))).toEqual([]);
});

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html: "global, not region-specific".
test('the dashboard has its region in its name, so that a stage may stand in two regions of an account', () => {
  const { Dashboard } = read('prod').resources;
  expect(Dashboard?.Properties.DashboardName).toEqual({
    'Fn::Sub': `orders-prod-\${AWS::Region}`,
  });
});

/** All names of a package but those that stand below the API. */
function namesSet(name: keyof typeof packages): Set<unknown> {
  const names = Object.values(namesIn(read(name))).flatMap((found) => {
    if (typeof found === 'string') return [found];
    const { Type, RouteKey: _, StageName: __, ...own } = Object(found);
    if (Type === AUTHORIZER) return [];
    return Object.values(own).flat();
  });
  return new Set(names);
}

// AWS refuses a second mapping with the same function, topic and server, and one with the same
// source and group. CloudFormation makes a new logical id before it removes the old one.
test.each([
  ['prod', 'prod, topic renamed'],
  ['pr-12 on MSK', 'pr-12 on MSK, topic renamed'],
] as const)('%s: a mapping of a renamed topic can be made beside the old one', (before, after) => {
  const [old, made] = [mappings(before), mappings(after)];
  expect([old.length, made.length]).toEqual([1, 1]);
  for (const one of old) {
    for (const other of made) {
      expect(other.topics).toEqual(['order-events-v2']);
      expect(other.id).not.toBe(one.id);
      expect(other.group).not.toBe(one.group);
    }
  }
});

test('stages on one Kafka read in groups of their own', () => {
  const [[prod], [other]] = [mappings('prod'), mappings('pr-12')];
  expect(prod).toMatchObject({ topics: ['order-events'], group: 'order-notifications' });
  expect(other).toMatchObject({
    topics: ['order-events-pr-12'],
    group: 'order-notifications-pr-12',
  });
});
