import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { defineProperties, unknownProperties } from '../../template/properties.ts';

type Handler = Parameters<typeof defineProperties>[0];
type Framework = Handler & {
  defineFunctionEvent(provider: 'aws', event: string, schema: object): void;
  readonly schema: {
    definitions: object;
    properties: {
      functions: {
        patternProperties: Record<
          string,
          { properties: { events: { items: { anyOf: { required: string[] }[] } } } }
        >;
      };
    };
  };
};

// osls' own; Serverless Framework v3 has the same, and v4 has it as an ES module.
const ConfigSchemaHandler: new (serverless: object) => Framework = createRequire(import.meta.url)(
  'serverless/lib/classes/config-schema-handler',
);

type FrameworkEvent = new (serverless: object, options: object) => object;
const kafkaEvents = {
  kafka: 'serverless/lib/plugins/aws/package/compile/events/kafka',
  msk: 'serverless/lib/plugins/aws/package/compile/events/msk',
} as const;

const text = { type: 'string' };
const pollers = (...names: string[]) => ({
  type: 'object',
  properties: Object.fromEntries(
    names.map((name) => [name, { type: name === 'group' ? 'string' : 'number' }]),
  ),
  additionalProperties: false,
});
/** The plugin's properties that each framework's own events have. */
const FRAMEWORKS = {
  'osls 4': {
    kafka: {
      onFailureDestination: text,
      provisionedPollerConfig: pollers('minimumPollers', 'maximumPollers'),
    },
    msk: { provisionedPollerConfig: pollers('minimumPollers', 'maximumPollers') },
  },
  'Serverless Framework v3': { kafka: {}, msk: {} },
  'Serverless Framework v4': {
    kafka: { provisionedPollers: pollers('min', 'max', 'group') },
    msk: { provisionedPollers: pollers('min', 'max', 'group') },
  },
} as const;
const names = Object.keys(FRAMEWORKS) as (keyof typeof FRAMEWORKS)[];

function framework(name: keyof typeof FRAMEWORKS): Framework {
  const handler = new ConfigSchemaHandler({ service: { provider: { name: 'aws' } } });
  Object.assign(handler.schema.definitions, { awsCfFunction: { type: 'object' } });
  for (const [event, properties] of Object.entries(FRAMEWORKS[name])) {
    handler.defineFunctionEvent('aws', event, {
      type: 'object',
      properties: structuredClone({ topic: text, ...properties }),
      required: ['topic'],
      additionalProperties: false,
    });
  }
  return handler;
}

/** Whether an event is valid, by the handler's schema. */
function validatorOf({ schema: { definitions, properties } }: Framework) {
  const functions = Object.values(properties.functions.patternProperties);
  const events = functions.flatMap((one) => one.properties.events.items.anyOf);
  const ours = events.filter(({ required }) => ['kafka', 'msk'].includes(required[0] ?? ''));
  const ajv = new Ajv({ strict: false });
  const validate = ajv.compile(structuredClone({ definitions, anyOf: ours }));
  return (event: object) => validate(event);
}

const EVERY = {
  topic: 'orders',
  maximumBatchingWindowInSeconds: 0,
  maximumRetryAttempts: -1,
  maximumRecordAge: 60,
  bisectBatchOnFunctionError: true,
  functionResponseType: 'ReportBatchItemFailures',
  onFailureDestination: 'kafka://orders-failed',
  provisionedPollerConfig: { minimumPollers: 1, maximumPollers: 2 },
  provisionedPollers: { min: 1, max: 2, group: 'g' },
  metricsConfig: { metrics: ['EventCount'] },
  loggingConfig: { systemLogLevel: 'DEBUG' },
  schemaRegistry: {
    uri: 'https://registry.example.com',
    eventRecordFormat: 'JSON',
    accessConfigurations: { basicAuth: 'arn:aws:secretsmanager:us-east-1:1:secret:x' },
    validate: ['value'],
  },
};

test.each(names)('%s takes every property, on kafka and msk, and no misspelt one', (name) => {
  const handler = framework(name);
  defineProperties(handler);
  const validate = validatorOf(handler);
  for (const event of ['kafka', 'msk']) {
    expect(validate({ [event]: EVERY })).toBe(true);
    const intrinsic = { 'Fn::GetAtt': ['Failed', 'Arn'] };
    expect(validate({ [event]: { ...EVERY, onFailureDestination: intrinsic } })).toBe(true);
    for (const property of Object.keys(EVERY)) {
      const { [property]: value, ...others } = EVERY as Record<string, unknown>;
      expect(validate({ [event]: { ...others, [`${property}s`]: value } })).toBe(false);
    }
  }
});

test.each(names)('%s without the plugin refuses the properties', (name) => {
  expect(validatorOf(framework(name))({ kafka: EVERY })).toBe(false);
});

test.each(names)('the own properties of %s stay as they are', (name) => {
  const handler = framework(name);
  defineProperties(handler);
  const validate = validatorOf(handler);
  const of = (properties: object) => validate({ msk: { topic: 'orders', ...properties } });
  // The plugin's own take integers only.
  const own = FRAMEWORKS[name].msk;
  expect(of({ provisionedPollers: { min: 1.5 } })).toBe('provisionedPollers' in own);
  expect(of({ provisionedPollerConfig: { minimumPollers: 1.5 } })).toBe(
    'provisionedPollerConfig' in own,
  );
});

test.each(['kafka', 'msk'] as const)("every property of osls' %s event is known", (kind) => {
  const Event: FrameworkEvent = createRequire(import.meta.url)(kafkaEvents[kind]);
  let names: string[] = [];
  const configSchemaHandler = {
    defineFunctionEvent: (_: string, __: string, schema: { properties: object }) => {
      names = Object.keys(schema.properties);
    },
  };
  new Event({ configSchemaHandler, getProvider: () => ({}) }, {});
  expect(names).toContain('consumerGroupId');
  expect(unknownProperties(kind, Object.fromEntries(names.map((name) => [name, true])))).toEqual(
    [],
  );
});

test('the plugin uses only the methods that all frameworks have', () => {
  const used = new Set<unknown>();
  const handler = framework('Serverless Framework v4');
  const watched = new Proxy(handler, {
    get(_, member) {
      used.add(member);
      const value: unknown = Reflect.get(handler, member);
      return typeof value === 'function' ? value.bind(handler) : value;
    },
  });
  defineProperties(watched);
  expect([...used].sort()).toEqual(['defineFunctionEventProperties', 'schema']);
});

test('a framework with a hidden schema gets the properties, too', () => {
  const defined: string[] = [];
  defineProperties({
    defineFunctionEventProperties: (_, event, schema) => {
      const { properties } = schema as { properties: object };
      defined.push(...Object.keys(properties).map((name) => `${event}.${name}`));
    },
  });
  const wanted = Object.keys(EVERY).filter((name) => name !== 'topic');
  expect(defined.sort()).toEqual(
    ['kafka', 'msk'].flatMap((event) => wanted.map((name) => `${event}.${name}`)).sort(),
  );
});

test('any other refusal of the framework is not swallowed', () => {
  const refuse = () => {
    throw Object.assign(new Error('no such event'), { code: 'UNRECOGNIZED_FUNCTION_EVENT_SCHEMA' });
  };
  expect(() => defineProperties({ defineFunctionEventProperties: refuse })).toThrow(
    'no such event',
  );
});
