/** Compares the plugin's published types with the options that it really takes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { optionsSchema } from '../../options.ts';
import { defineProperties } from '../../template/properties.ts';
import { ROOT } from '../support/root.ts';
import { typeErrors } from '../support/typescript.ts';

const published = readFileSync(join(ROOT, 'index.d.mts'), 'utf8');

/** Compares the published type with the schema's input: all paths, and all values. */
const COMPARISON = `
import type { z } from 'zod';
import type { KafkaEventSourceOptions } from './published.d.mts';
import type { optionsSchema } from './plugin/options.ts';

type Leaf = string | number | boolean | undefined | readonly unknown[];
type Path<T> = T extends Leaf ? never : string extends keyof T
  ? '*' | \`*.\${Path<T[keyof T]>}\`
  : { [K in keyof T & string]-?: K | \`\${K}.\${Path<T[K]>}\` }[keyof T & string];
type Fixed<T> = T extends readonly (infer E)[] ? readonly E[]
  : T extends object ? { readonly [K in keyof T]: Fixed<T[K]> } : T;

type Taken = Fixed<z.input<typeof optionsSchema>>;
export const notInTheTypes: Record<Exclude<Path<Taken>, Path<KafkaEventSourceOptions>>, 0> = {};
export const notTaken: Record<Exclude<Path<KafkaEventSourceOptions>, Path<Taken>>, 0> = {};
declare const taken: Taken;
declare const typed: KafkaEventSourceOptions;
export const values: [KafkaEventSourceOptions, Taken] = [taken, typed];
`;

const compare = (types: string) =>
  typeErrors({ 'published.d.mts': types, 'comparison.ts': COMPARISON });

test('the published types have the name and values of each option, and no others', async () => {
  expect(await compare(published)).toEqual([]);
});

test.each([
  ['missing', / {2}readonly strict\?: boolean;\n/, ''],
  ['missing, of one mapping', / {2}readonly enabled\?: boolean;\n/, ''],
  ['misnamed', 'deadLetterTopics', 'deadletterTopics'],
  ['misnamed, inside', 'rejectUnauthorized', 'rejectUnauthorised'],
  ['invented', '  readonly apiPort', '  readonly port?: number;\n  readonly apiPort'],
  ['of another value', "'scram-sha-512'", "'scram-sha-1'"],
])('an option that is %s is an error', async (_, from, to) => {
  const changed = published.replace(from, to);
  expect(changed).not.toBe(published);
  expect(await compare(changed)).not.toEqual([]);
});

test('a configuration with every option compiles, and one with a misspelt option does not', async () => {
  const configuration = (options: object) =>
    `import type { KafkaEventSourceOptions } from './published.d.mts';\n` +
    `export const options: KafkaEventSourceOptions = ${JSON.stringify(options)};\n`;
  const every = example(z.toJSONSchema(optionsSchema, { io: 'input' })) as object;
  expect(Object.keys(every).sort()).toEqual(Object.keys(optionsSchema.shape).sort());
  const errors = await typeErrors({
    'published.d.mts': published,
    'every.ts': configuration(every),
    'misspelt.ts': configuration({ bootstrapServer: 'localhost:9092' }),
  });
  expect(errors).toEqual([
    expect.stringMatching(/^misspelt\.ts.*bootstrapServer.* does not exist/),
  ]);
});

test('the published class fits the plugin and the framework', async () => {
  const source =
    `import KafkaEventSource from './published.mjs';\n` +
    `import Plugin from './plugin/index.ts';\n` +
    `const plugin = new KafkaEventSource({}, {}, {});\n` +
    `export const hook: (() => void | Promise<void>) | undefined = plugin.hooks['kafka:status:run'];\n` +
    `export const members: keyof KafkaEventSource extends keyof Plugin ? true : false = true;\n` +
    `export const all: keyof Plugin extends keyof KafkaEventSource ? true : false = true;\n`;
  expect(await typeErrors({ 'published.d.mts': published, 'use.ts': source })).toEqual([]);
});

/** The schemas of the properties that the plugin adds to events. */
function eventProperties(): Record<string, Schema> {
  const found: Record<string, Schema> = {};
  defineProperties({
    defineFunctionEventProperties: (_, __, { properties }: { properties?: object }) =>
      Object.assign(found, properties),
  });
  return found;
}

/** A service.ts with a kafka, an msk and another event; both events of Kafka have these properties. */
function typedService(properties: object, options: object = {}): string {
  const kafka = { accessConfigurations: {}, bootstrapServers: ['b:9092'], topic: 'orders' };
  const msk = { arn: { 'Fn::ImportValue': 'Cluster' }, topic: 'orders' };
  const events = [
    { kafka: { ...kafka, ...properties } },
    { msk: { ...msk, ...properties } },
    { schedule: 'rate(1 day)' },
  ];
  const service = {
    service: 'shop',
    provider: { name: 'aws' },
    custom: { another: 1, kafkaEventSource: options },
    functions: { notify: { handler: 'handler.notify', events } },
  };
  return (
    `import type { AWS } from '@serverless/typescript';\n` +
    `import type { WithKafkaEventSource } from './published.d.mts';\n` +
    `export const service: WithKafkaEventSource<AWS> = ${JSON.stringify(service)};\n`
  );
}

test("a service in TypeScript takes the plugin's event properties and options, and no misspelt ones", async () => {
  const schemas = Object.entries(eventProperties());
  const every = Object.fromEntries(schemas.map(([name, schema]) => [name, example(schema)]));
  const names = Object.keys(every).map((name) => JSON.stringify(name));
  expect(names).toContain('"maximumRetryAttempts"');
  const errors = await typeErrors({
    'published.d.mts': published,
    'every.ts': typedService(every, { bootstrapServers: 'localhost:9092' }),
    'functions.ts': typedService({ maximumRetryAttempts: { Ref: 'Attempts' } }),
    'names.ts':
      `import type { KafkaEventProperties } from './published.d.mts';\n` +
      `export const invented: Record<Exclude<keyof KafkaEventProperties, ${names.join(' | ')}>, 0> = {};\n`,
    'misspelt.ts': typedService({ maximumRetryAttempt: 3 }),
    'wrong.ts': typedService({ functionResponseType: 'ReportAll' }),
    'option.ts': typedService({}, { bootstrapServer: 'localhost:9092' }),
  });
  expect(errors.map((error) => error.replace(/\(.*/, '')).sort()).toEqual([
    'misspelt.ts',
    'misspelt.ts',
    'option.ts',
    'wrong.ts',
    'wrong.ts',
  ]);
});

/** The built-in objects of Node 22, whose engine is V8 12.4. */
const NODE_22 = {
  lib: ['es2024', 'esnext.iterator', 'esnext.collection', 'esnext.disposable', 'esnext.array'],
};

test('the packed sources use no built-in object that Node 22 lacks', async () => {
  const files = ['index.ts', 'lambda/worker.ts', 'recorder/thread.ts'];
  const sources = files.map((file) => `import './plugin/${file}';\n`).join('');
  expect(await typeErrors({ 'packed.ts': sources }, NODE_22)).toEqual([]);
  const later = `export const pattern = RegExp.escape('a.b');\nexport const one = Promise.try(() => 1);\n`;
  expect(await typeErrors({ 'later.ts': later }, NODE_22)).toHaveLength(2);
});

type Schema = Readonly<{
  anyOf?: Schema[];
  oneOf?: Schema[];
  type?: string;
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
}>;

/** A value with all members of the schema; of several schemas, the last has the most. */
function example(schema: z.core.JSONSchema.BaseSchema | Schema): unknown {
  const { anyOf, oneOf, type, properties, additionalProperties, items, ...rest } = schema as Schema;
  const last = (anyOf ?? oneOf)?.at(-1);
  if (last) return example(last);
  if ('$ref' in rest) return { Ref: 'Name' }; // Of a function of CloudFormation.
  if ('const' in rest) return rest.const;
  if (rest.enum) return rest.enum[0];
  if (properties) {
    return Object.fromEntries(Object.entries(properties).map(([key, one]) => [key, example(one)]));
  }
  if (typeof additionalProperties === 'object') return { name: example(additionalProperties) };
  if (items) return [example(items)];
  return type === 'boolean' ? true : type === 'integer' || type === 'number' ? 1 : 'text';
}

/** The published types of panels beside the real ones. */
const PANELS = `
import type * as published from './published.d.mts';
import type { Panel, PanelContext, PanelView } from './plugin/console/panel.ts';

declare const real: { view: PanelView; panel: Panel; context: PanelContext };
declare const typed: { view: published.PanelView; panel: published.Panel };
export const views: [published.PanelView, PanelView] = [real.view, typed.view];
export const panels: [published.Panel, Panel] = [real.panel, typed.panel];
export const context: published.PanelContext = real.context;
type Names<T> = T extends readonly (infer E)[] ? Names<E> : T extends object
  ? string extends keyof T ? never : { [K in keyof T & string]-?: K | Names<T[K]> }[keyof T & string]
  : never;
export const missing: Record<Exclude<Names<PanelView>, Names<published.PanelView>>, 0> = {};
export const invented: Record<Exclude<Names<published.PanelView>, Names<PanelView>>, 0> = {};
`;

const comparePanels = (types: string) =>
  typeErrors({ 'published.d.mts': types, 'panels.ts': PANELS });

test('the published types of panels are those that the page takes', async () => {
  expect(await comparePanels(published)).toEqual([]);
  expect(await comparePanels(published.replace('  waitsFor?:', '  waitFor?:'))).not.toEqual([]);
});
