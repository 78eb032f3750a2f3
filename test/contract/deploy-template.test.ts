import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { METRICS } from '../../lib/metrics.ts';
import { CALLED, NOT_CALLED } from '../support/not-called.ts';
import { functionsInYml, ROOT } from '../support/root.ts';
import { sls } from '../support/sls.ts';
import { emulated, packagedAs } from './emulated.ts';

type Resource = {
  Type: string;
  DeletionPolicy?: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation's properties
  Properties: any;
};
type Statement = { Effect: string; Action: string[]; Resource: unknown; Condition?: unknown };

/** Actions that may have `*` for a resource, each with why no name will do. */
const UNNAMED: Record<string, string> = {
  'xray:PutTraceSegments': 'X-Ray has no resources for it',
  'xray:PutTelemetryRecords': 'X-Ray has no resources for it',
  'sns:Publish': 'a phone number is no resource; a Deny takes all topics out',
  'ec2:CreateNetworkInterface': 'Lambda asks for it before an interface has a name',
  'ec2:DescribeNetworkInterfaces': 'EC2 describes without resources',
  'ec2:DescribeSubnets': 'EC2 describes without resources',
  'ec2:DescribeVpcs': 'EC2 describes without resources',
  'ec2:DescribeSecurityGroups': 'EC2 describes without resources',
  'ec2:DeleteNetworkInterface': 'Lambda names the interface, the stack cannot',
  'ec2:AssignPrivateIpAddresses': 'Lambda names the interface, the stack cannot',
  'ec2:UnassignPrivateIpAddresses': 'Lambda names the interface, the stack cannot',
};

/** Rights that only these functions have. */
const ONLY: Record<string, string[]> = {
  'dynamodb:PutItem': ['CreateOrderRole'],
  'ses:SendEmail': ['NotifyRole', 'SendDeferredRole'],
  'sns:Publish': ['NotifyRole', 'SendDeferredRole'],
};

const CLUSTER =
  'arn:aws:kafka:eu-west-1:123456789012:cluster/shop/0f0f0f0f-1111-2222-3333-444444444444-5';
const AUTHORITY = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka-ca-GhIjKl';
const SECRET = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_orders-AbCdEf';

const COMMON = {
  Topics: ['order-events'],
  StartingPosition: 'TRIM_HORIZON',
  BatchSize: 100,
  FunctionResponseTypes: ['ReportBatchItemFailures'],
  BisectBatchOnFunctionError: true,
  MaximumRetryAttempts: 10_000,
  MaximumRecordAgeInSeconds: 518_400,
  DestinationConfig: { OnFailure: { Destination: 'kafka://order-events-dlq' } },
  ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 3 },
  MetricsConfig: { Metrics: ['EventCount'] },
};
const MANAGED = {
  ...COMMON,
  EventSourceArn: CLUSTER,
  AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: 'order-notifications' },
};
const OWN = {
  ...COMMON,
  SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: ['b-1:9096', 'b-2:9096'] } },
  SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: 'order-notifications' },
};
const access = (Type: string, ...others: object[]) => ({
  SourceAccessConfigurations: [{ Type, URI: SECRET }, ...others],
});
const IN_VPC = [
  { Type: 'VPC_SUBNET', URI: 'subnet:subnet-1111' },
  { Type: 'VPC_SUBNET', URI: 'subnet:subnet-2222' },
  { Type: 'VPC_SECURITY_GROUP', URI: 'security_group:sg-1111' },
];

const KEY = 'arn:aws:kms:eu-west-1:123456789012:key/kafka';
const AUTHORITY_KEY = 'arn:aws:kms:eu-west-1:123456789012:key/authority';

const COLLECTOR = 'http://localhost:4318';
const LAYER = 'arn:aws:lambda:us-east-1:111122223333:layer:collector:1';

/** The ways to reach a Kafka, a kind and what is set besides, and the mapping of each, whole. */
const WAYS = {
  'msk-iam': MANAGED,
  'msk-scram': { ...MANAGED, ...access('SASL_SCRAM_512_AUTH') },
  'self-managed-scram': { ...OWN, ...access('SASL_SCRAM_512_AUTH') },
  'self-managed-mtls': { ...OWN, ...access('CLIENT_CERTIFICATE_TLS_AUTH') },
  [`self-managed-scram KAFKA_NETWORK=vpc COLLECTOR_LAYER_ARN=${LAYER} OTEL_EXPORTER_OTLP_ENDPOINT=${COLLECTOR}`]:
    {
      ...OWN,
      ...access('SASL_SCRAM_512_AUTH', ...IN_VPC),
    },
  [`self-managed-scram KAFKA_CA_SECRET_ARN=${AUTHORITY} KAFKA_SECRET_KEY_ARN=${KEY} KAFKA_CA_SECRET_KEY_ARN=${AUTHORITY_KEY}`]:
    {
      ...OWN,
      ...access('SASL_SCRAM_512_AUTH', { Type: 'SERVER_ROOT_CA_CERTIFICATE', URI: AUTHORITY }),
    },
};

const WRITE = ['DescribeTopic', 'WriteData'];
const CONNECT = { cluster: ['Connect'] };
/** The rights of each function's role where functions sign in to MSK by IAM: the actions on the cluster, each topic and each group. */
const ON_MSK: Record<string, Record<string, string[]>> = {
  CreateOrderRole: { ...CONNECT, 'topic/order-events': WRITE },
  UpdateStatusRole: { ...CONNECT, 'topic/order-events': WRITE },
  RelayOutboxRole: { ...CONNECT, 'topic/order-events': WRITE },
  HealthRole: { ...CONNECT, 'topic/order-events': ['DescribeTopic'] },
  NotifyRole: {
    cluster: ['Connect', 'DescribeClusterDynamicConfiguration'],
    'topic/order-events': ['DescribeTopic', 'ReadData'],
    'topic/order-events-dlq': WRITE,
    'group/order-notifications': ['AlterGroup', 'DescribeGroup'],
  },
};

/** Those that talk to Kafka. */
const TALKING = ['CreateOrder', 'Health', 'Notify', 'RelayOutbox', 'UpdateStatus'];

/** The part of {@link CLUSTER} that an ARN names, such as `cluster` or `topic/order-events`; the whole ARN if it names no part of it. */
function onCluster(arn: unknown): string {
  const [account, id] = CLUSTER.split(':cluster/');
  return String(resolved(arn)).replace(`${account}:`, '').replace(`/${id}`, '');
}

/** The value of CloudFormation's functions that join and split texts. */
function resolved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolved);
  if (typeof value !== 'object' || value === null) return value;
  const [[name, [separator, given]] = []] = Object.entries(value);
  const of = resolved(given);
  if (name === 'Fn::Join' && Array.isArray(of)) return of.join(separator);
  if (name === 'Fn::Split' && typeof of === 'string') return of.split(separator);
  return JSON.stringify(value);
}

const { openRoutes } = parse(readFileSync(join(ROOT, 'infra/auth.yml'), 'utf8'));

describe.each(Object.entries(WAYS))('KAFKA_KIND=%s', (way, expected) => {
  const [kind = '', ...settings] = way.split(' ');
  const besides = Object.fromEntries(settings.map((setting) => setting.split('=')));
  let folder: string;
  let resources: Record<string, Resource>;
  const ofType = (type: string) =>
    Object.entries(resources).filter(([, { Type }]) => Type === type);
  const statements = (): (Statement & { role: string })[] =>
    ofType('AWS::IAM::Role').flatMap(([role, { Properties }]) =>
      Properties.Policies.flatMap(
        (policy: { PolicyDocument: { Statement: Statement[] } }) => policy.PolicyDocument.Statement,
      ).map((statement: Statement) => ({ role, ...statement })),
    );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-template-'));
    const { code, stderr } = await sls(['package', '--stage', 'prod', '--package', folder], {
      KAFKA_KIND: kind,
      KAFKA_BROKERS: 'b-1:9096,b-2:9096',
      KAFKA_SECRET_ARN: SECRET,
      MSK_CLUSTER_ARN: CLUSTER,
      SUBNET_IDS: 'subnet-1111,subnet-2222',
      SECURITY_GROUP_IDS: 'sg-1111',
      ...besides,
    });
    if (code !== 0) throw new Error(stderr);
    const file = join(folder, 'cloudformation-template-update-stack.json');
    resources = JSON.parse(await readFile(file, 'utf8')).Resources;
  }, 180_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("every function has the collector's layer that is set, and its address", () => {
    const { COLLECTOR_LAYER_ARN: layer, OTEL_EXPORTER_OTLP_ENDPOINT: address = '' } = besides;
    for (const [, { Properties }] of ofType('AWS::Lambda::Function')) {
      expect(Properties.Layers ?? []).toEqual(layer ? [layer] : []);
      expect(Properties.Environment.Variables.OTEL_EXPORTER_OTLP_ENDPOINT).toBe(address);
    }
  });

  test('the mapping has the settings of serverless.yml, and no others', () => {
    const mappings = ofType('AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => {
      const { FunctionName, ...rest } = Properties;
      expect(FunctionName).toEqual({ 'Fn::GetAtt': ['NotifyLambdaFunction', 'Arn'] });
      return rest;
    });
    expect(mappings).toEqual([expected]);
  });

  test('the mapping and the emulator treat records alike', async () => {
    const settings = await packagedAs(resources);
    expect(Object.keys(settings).length).toBeGreaterThan(8);
    expect(settings).toEqual(await emulated());
  });

  test('only who talks to Kafka reads its secret, and no other secret', () => {
    const readers = statements().filter(({ Action }) =>
      Action.some((action) => action.startsWith('secretsmanager:')),
    );
    const [authority, own] = [
      readers.filter(({ Resource }) => JSON.stringify(Resource) === JSON.stringify([AUTHORITY])),
      readers.filter(({ Resource }) => JSON.stringify(Resource) === JSON.stringify([SECRET])),
    ];
    expect(own.map(({ role }) => role.replace('Role', '')).toSorted()).toEqual(
      kind === 'msk-iam' ? [] : TALKING,
    );
    expect(authority.map(({ role }) => role)).toEqual(
      'KAFKA_CA_SECRET_ARN' in besides ? ['NotifyRole'] : [],
    );
    expect(readers).toHaveLength(own.length + authority.length);
    for (const { Action } of readers) expect(Action).toEqual(['secretsmanager:GetSecretValue']);
  });

  test('each function may do to MSK what it does, and nothing else', () => {
    const found: typeof ON_MSK = {};
    for (const { role, Effect, Action, Resource } of statements()) {
      const actions = Action.filter((action) => action.startsWith('kafka-cluster:'));
      if (Effect !== 'Allow' || actions.length === 0) continue;
      const bare = actions.map((action) => action.replace('kafka-cluster:', ''));
      const own = found[role] ?? {};
      found[role] = own;
      for (const name of [Resource].flat().map(onCluster)) {
        own[name] = [...new Set([...(own[name] ?? []), ...bare])].toSorted();
      }
    }
    expect(found).toEqual(kind === 'msk-iam' ? ON_MSK : {});
  });

  test('only the keys that are set can be used, each by those who read its secret', () => {
    const users = statements().filter(({ Action }) => Action.includes('kms:Decrypt'));
    const having = (key: string) =>
      users.filter(({ Resource }) => JSON.stringify(Resource) === JSON.stringify([key]));
    const [own, authority] = [having(KEY), having(AUTHORITY_KEY)];
    const names = (some: typeof users) => some.map(({ role }) => role.replace('Role', ''));
    expect(names(own).toSorted()).toEqual('KAFKA_SECRET_KEY_ARN' in besides ? TALKING : []);
    expect(names(authority)).toEqual('KAFKA_CA_SECRET_KEY_ARN' in besides ? ['Notify'] : []);
    expect(users).toHaveLength(own.length + authority.length);
  });

  test('emails go by the one identity, with any configuration set that is its default', () => {
    const sending = statements().filter(({ Action }) => Action.includes('ses:SendEmail'));
    const ses = `arn:\${AWS::Partition}:ses:\${AWS::Region}:\${AWS::AccountId}:`;
    for (const { Resource } of sending) {
      expect(Resource).toEqual([
        { 'Fn::Sub': `${ses}identity/orders.invalid` },
        { 'Fn::Sub': `${ses}configuration-set/*` },
      ]);
    }
  });

  test('no code of a function may touch the interfaces of its VPC, though Lambda may', () => {
    const about = (effect: string) =>
      statements().filter(
        ({ Effect, Action }) => Effect === effect && Action[0] === 'ec2:CreateNetworkInterface',
      );
    const [allowed, denied] = [about('Allow'), about('Deny')];
    expect(denied.map(({ role }) => role)).toEqual(allowed.map(({ role }) => role));
    for (const { role, Action, Resource, Condition } of denied) {
      expect([Action, Resource]).toEqual([allowed[0]?.Action, '*']);
      const key = role.replace(/^(.)(.*)Role$/, (_, first, rest) => first.toLowerCase() + rest);
      const arn = `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:orders-prod-${key}`;
      expect(Condition).toEqual({
        ArnEquals: { 'lambda:SourceFunctionArn': [{ 'Fn::Sub': arn }] },
      });
    }
  });

  test('every function has a role of its own, and no role is left over', () => {
    const roles = ofType('AWS::Lambda::Function').map(
      ([, { Properties }]) => Properties.Role['Fn::GetAtt'][0],
    );
    expect(roles).toHaveLength(Object.keys(functionsInYml()).length);
    expect(roles.toSorted()).toEqual(
      ofType('AWS::IAM::Role')
        .map(([id]) => id)
        .toSorted(),
    );
    expect(new Set(roles).size).toBe(roles.length);
  });

  test('no policy has a wildcard that is not on the list', () => {
    const allowed = statements().filter(({ Effect }) => Effect === 'Allow');
    expect(allowed.length).toBeGreaterThan(40);
    for (const { role, Action, Resource } of allowed) {
      expect([role, Action.filter((action) => action.includes('*'))]).toEqual([role, []]);
      const names = JSON.stringify(Resource)
        .replace(/:log-group:[^*"]+:\*/g, '') // its streams
        .replace(':configuration-set/*', ''); // the identity's default, which only SES knows
      if (names.includes('*')) {
        expect([role, Action.filter((action) => !(action in UNNAMED))]).toEqual([role, []]);
      }
    }
  });

  test('every permission of a role is used by its function, or is on the list of other users', () => {
    for (const { role, Action } of statements()) {
      const others = Action.filter((action) => !CALLED.test(action) && !(action in NOT_CALLED));
      expect([role, others]).toEqual([role, []]);
    }
  });

  test('a function that may publish by SNS may publish to no topic', () => {
    const publishing = statements().filter(({ Action }) => Action.includes('sns:Publish'));
    for (const effect of ['Allow', 'Deny']) {
      const having = publishing.filter(({ Effect }) => Effect === effect);
      expect([effect, having.map(({ role }) => role).toSorted()]).toEqual([
        effect,
        ONLY['sns:Publish'],
      ]);
    }
  });

  test('the API takes so many requests a second, and answers 429 beyond', () => {
    const [api, ...others] = ofType('AWS::ApiGatewayV2::Stage').map(
      ([, { Properties }]) => Properties,
    );
    expect(others).toEqual([]);
    expect(api.DefaultRouteSettings).toEqual({
      DetailedMetricsEnabled: true,
      ThrottlingRateLimit: 500,
      ThrottlingBurstLimit: 1000,
    });
    // Settings of a route would win over those.
    expect(api.RouteSettings).toBeUndefined();
  });

  test('rights of some functions are denied to the others', () => {
    for (const [action, roles] of Object.entries(ONLY)) {
      const having = statements().filter(({ Action }) => Action.includes(action));
      expect([action, [...new Set(having.map(({ role }) => role))].toSorted()]).toEqual([
        action,
        roles,
      ]);
    }
  });

  test('only who sends emails, and unsubscribe, have the secret of the links', () => {
    const having = ofType('AWS::Lambda::Function').filter(
      ([, { Properties }]) => 'NOTIFICATION_UNSUBSCRIBE_SECRET' in Properties.Environment.Variables,
    );
    expect(having.map(([id]) => id.replace('LambdaFunction', '')).toSorted()).toEqual([
      'Notify',
      'SendDeferred',
      'Unsubscribe',
    ]);
  });

  test('only functions that talk to a cluster in a VPC are in one', () => {
    const inside = ofType('AWS::Lambda::Function').filter(
      ([, { Properties }]) => Properties.VpcConfig?.SubnetIds?.length !== 0 && Properties.VpcConfig,
    );
    const inVpc = kind.startsWith('msk') || 'KAFKA_NETWORK' in besides;
    expect(inside.map(([id]) => id.replace('LambdaFunction', '')).toSorted()).toEqual(
      inVpc ? TALKING : [],
    );
  });

  test('the table is protected, encrypted and can be restored', () => {
    expect(resources.OrdersTable).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        DeletionProtectionEnabled: true,
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      },
    });
  });

  test('the gateway checks the token of every route that is not open', () => {
    const routes = ofType('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties);
    const unchecked = routes.filter(({ AuthorizationType }) => AuthorizationType !== 'JWT');
    expect(unchecked.map(({ RouteKey }) => RouteKey).toSorted()).toEqual(
      [...openRoutes, 'OPTIONS /{proxy+}'].toSorted(),
    );
    expect(routes.length).toBeGreaterThan(unchecked.length);
  });

  test('functions are traced, on arm64; every log ends', () => {
    for (const [, { Properties }] of ofType('AWS::Lambda::Function')) {
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        TracingConfig: { Mode: 'Active' },
      });
    }
    for (const [, { Properties }] of ofType('AWS::Logs::LogGroup')) {
      expect(Properties.RetentionInDays).toBe(30);
    }
  });

  test('alarms on our own metrics name metrics that the functions write', () => {
    const [own] = ofType('AWS::Lambda::Function').map(
      ([, { Properties }]) => Properties.Environment.Variables.POWERTOOLS_METRICS_NAMESPACE,
    );
    const alarms = ofType('AWS::CloudWatch::Alarm')
      .flatMap(([, { Properties }]) => [
        Properties,
        ...(Properties.Metrics ?? []).flatMap(
          (part: Resource['Properties']) => part.MetricStat?.Metric ?? [],
        ),
      ])
      .filter(({ Namespace }) => Namespace === own);
    expect(alarms.map(({ MetricName }) => MetricName).toSorted()).toEqual([
      'DeadLetters',
      'NotificationsGivenUp',
      'NotificationsPutOff',
      'OldestPendingSeconds',
      'RecordsHeldBack',
      'RefusedOrders',
      'StuckSeconds',
      'UnknownKeys',
    ]);
    const names = Object.keys(METRICS);
    for (const { MetricName, Dimensions } of alarms) {
      expect(names).toContain(MetricName);
      expect(Dimensions).toEqual([{ Name: 'service', Value: 'orders' }]);
    }
  });

  test('answers to tokens of unknown keys, which anybody can send, ring no alarm', () => {
    const { Metrics } = resources.ApiFailuresAlarm?.Properties ?? {};
    expect(Metrics).toMatchObject([
      { Expression: 'answers - 1.1 * FILL(unknownKeys, 0)' },
      { Id: 'answers', MetricStat: { Metric: { MetricName: '5xx' }, Stat: 'Sum' } },
      { Id: 'unknownKeys', MetricStat: { Metric: { MetricName: 'UnknownKeys' }, Stat: 'Sum' } },
    ]);
  });

  test('every alarm tells the topic, and stands on the dashboard', () => {
    const alarms = ofType('AWS::CloudWatch::Alarm');
    const body = resources.Dashboard?.Properties.DashboardBody['Fn::Sub'] ?? '';
    expect(alarms.length).toBeGreaterThan(8);
    for (const [id, { Properties }] of alarms) {
      expect(Properties.AlarmActions).toEqual([{ Ref: 'Alarms' }]);
      expect(body).toContain(`"\${${id}.Arn}"`);
    }
    JSON.parse(body);
  });
});
