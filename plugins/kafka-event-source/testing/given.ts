/** Checks the options, records and faults that a test gives the kit: a misspelt name would have no effect. */
import { z } from 'zod';
import { wrongProperties } from '../cli/functions.ts';
import type { Json } from '../json.ts';
import { isPromise } from '../lambda/handler.ts';
import { isServer } from '../options.ts';
import { refusalOf } from '../refusal.ts';
import type {
  Expected,
  Faulty,
  FunctionOptions,
  KafkaRecord,
  KitOptions,
  MappingProperties,
  ProducedRecord,
} from './types.ts';

type Shape<T> = Record<keyof T, z.ZodType>;

const callable = z.custom((value) => typeof value === 'function', 'must be a function');
const text = z.string().optional();

const optionsSchema = z.strictObject({
  functions: z.record(z.string(), z.unknown()),
  mappings: z.record(z.string(), z.unknown()).optional(),
  service: text,
  template: text,
  ground: z
    .custom(isGround, "must be 'memory', 'start', or the address of a broker, host:port")
    .optional(),
  topics: z.record(z.string(), z.int().min(1)).optional(),
  records: z.record(z.string(), z.array(z.unknown())).optional(), // Checked as they are produced.
  committed: z.record(z.string(), z.record(z.string(), z.int().min(0))).optional(),
  start: z
    .custom(
      isTime,
      'must be a Date, a text such as 2026-11-27T09:00:00Z, or milliseconds since 1970',
    )
    .optional(),
  virtualDate: z.boolean().optional(),
  seed: z.int().optional(),
  patienceMs: z
    .number()
    .positive()
    .max(2 ** 31 - 1) // Of Node's timers.
    .optional(),
  leaks: z.enum(['warn', 'error', 'ignore']).optional(),
  log: callable.optional(),
  stage: text,
  region: text,
  settings: z.unknown().optional(), // Checked as those of the plugin.
} satisfies Shape<KitOptions>);

const functionSchema = z.strictObject({
  handler: callable.optional(),
  load: callable.optional(),
  timeout: z.number().positive().optional(),
  runtime: text,
  reservedConcurrency: z.int().min(0).optional(),
  environment: z.record(z.string(), z.string()).optional(),
} satisfies Shape<FunctionOptions>);

const bytes = z.custom(
  (value) => typeof value === 'string' || ArrayBuffer.isView(value),
  'must be a text or bytes',
);

const recordSchema = z.strictObject({
  value: z
    .custom(
      (value) => typeof value === 'string' || typeof value === 'object',
      'must be a text, bytes, null, or an object, which is written as JSON',
    )
    .optional(),
  key: bytes.nullish(),
  headers: z
    .union([z.record(z.string(), bytes), z.array(z.tuple([z.string(), bytes]))], {
      error: 'must be an object of texts or bytes, or a list of pairs of them',
    })
    .optional(),
  partition: z.int().optional(),
  timestamp: z
    .custom(
      (value) =>
        (typeof value === 'number' ? Number.isInteger(value) : true) &&
        typeof value !== 'string' &&
        isTime(value),
      'must be a Date, or whole milliseconds since 1970',
    )
    .optional(),
} satisfies Shape<ProducedRecord>);

const textOrNull = z.union([z.string(), z.null()], 'must be a text or null');

const patternSchema = z.strictObject({
  topic: text,
  partition: z.int().optional(),
  offset: z.int().optional(),
  key: textOrNull.optional(),
  value: textOrNull.optional(),
  headers: z.array(z.tuple([z.string(), z.string()])).optional(),
  timestamp: z.number().optional(),
} satisfies Shape<KafkaRecord>);

const ENDS = {
  done: 'done',
  sent: 'sent',
  dropped: 'dropped',
  'filtered out': 'filtered out',
  waiting: 'waiting',
} satisfies { [End in Expected['end']]: End };

const expectedSchema = z.strictObject({
  end: z.enum(ENDS),
  attempts: z.int().min(0).optional(),
  functionKey: text,
} satisfies Shape<Expected>);

const faultySchema = z.strictObject({
  times: z.int().min(1).optional(),
  record: z.unknown().optional(),
  after: z.boolean().optional(),
  during: z.custom(isPromise, 'must be a promise').optional(),
  message: text,
} satisfies Shape<Faulty>);

/** @throws Error for each wrong option, with the known ones */
export function checkOptions(options: KitOptions): void {
  check('kafkaEventSource', optionsSchema, options);
  const { functions, mappings = {} } = options;
  for (const [key, given] of Object.entries(functions)) {
    if (typeof given === 'function') continue;
    if (typeof given !== 'object' || given === null) {
      throw new Error(
        `functions.${key} must be a handler, or an object with handler or load; it is ${given === null ? 'null' : typeof given}. ` +
          'Does its file export the handler by this name?',
      );
    }
    check(`functions.${key}`, functionSchema, given);
  }
  for (const [key, given] of Object.entries(mappings)) {
    if ([given].flat().some((one) => typeof one !== 'object' || one === null)) {
      throw new Error(`mappings.${key} must be an object with a topic, or a list of such objects.`);
    }
    const wrong = [given].flat().flatMap((one) => wrongProperties('kafka', one as unknown as Json));
    if (wrong.length > 0) throw new Error(`mappings.${key}: ${wrong.join('\n')}`);
    refuseTwins(key, [given].flat());
  }
}

/** AWS refuses two mappings of one function and topic; of two in serverless.yml the framework deploys only the last one. */
function refuseTwins(key: string, mappings: readonly MappingProperties[]): void {
  const topics = mappings.map(({ topic }) => topic);
  const twin = topics.find((topic, index) => topics.indexOf(topic) < index);
  if (twin === undefined) return;
  throw new Error(
    `mappings.${key} has two mappings of topic ${twin}. AWS refuses the second one (ResourceConflictException).`,
  );
}

/** @throws Error for a wrong record */
export function checkRecord(record: ProducedRecord): void {
  check('The record', recordSchema, record);
}

/** @throws Error for wrong options of a fault */
export function checkFaulty(faulty: Faulty): void {
  check('The fault', faultySchema, faulty);
}

/** @throws Error for a pattern that no record can match */
export function checkPattern(pattern: unknown): void {
  if (typeof pattern === 'function') return;
  if (typeof pattern !== 'object' || pattern === null) {
    throw new Error('The record must be a function, or an object with fields of records.');
  }
  check('The record', patternSchema, pattern);
  const empty = Object.entries(pattern).find(([, value]) => value === undefined);
  if (empty) throw new Error(`The record.${empty[0]} is undefined, which no record has.`);
}

/** @throws Error for a wrong expectation */
export function checkExpected(expected: Expected): void {
  check('The expectation', expectedSchema, expected);
}

function check(what: string, schema: z.ZodObject, value: unknown): void {
  const { error } = schema.safeParse(value, { error: refusalOf });
  if (!error) return;
  const faults = error.issues.map(({ path, message, code }) => {
    const known = Object.keys(schema.shape).join(', ');
    const more = code === 'unrecognized_keys' ? `. There are: ${known}` : '';
    return `${[what, ...path].join('.')}: ${message}${more}.`;
  });
  throw new Error(faults.join('\n'));
}

function isGround(value: unknown): boolean {
  if (value === 'memory' || value === 'start') return true;
  return typeof value === 'string' && value.split(',').every(isServer);
}

function isTime(value: unknown): boolean {
  const isOfType = typeof value === 'number' || typeof value === 'string' || value instanceof Date;
  return isOfType && !Number.isNaN(new Date(value).getTime());
}
