/** The tools that `/mcp` offers: what each one takes, and the answer that it makes. */
import { z } from 'zod';
import { RequestError } from '../control/request.ts';
import type { Answer } from '../control/server.ts';
import {
  type Bytes,
  type Invocation,
  RECORD_STATES,
  type Recorder,
  type RecordLife,
  type Spans,
} from '../recorder/types.ts';
import { againSchema } from './again.ts';
import type { Ask } from './ask.ts';
import { type Asked, explain, type ShownMapping } from './explain.ts';
import { type Fault, faultSchema } from './faults.ts';
import { redriveSchema } from './letters.ts';

export interface ToolContext {
  /** Undefined if the settings turn it off. */
  readonly recorder: Recorder | undefined;
  /** Asks a path of `/api`. */
  readonly ask: Ask;
}

export interface Tool {
  readonly description: string;
  readonly input: z.ZodRawShape;
  /** Whether it changes something, unless `dryRun` is true. */
  readonly isChange: boolean;
  // The input has passed the schema.
  run(context: ToolContext, input: never): Promise<unknown>;
}

/** The compiler infers the input of a tool here. */
function tool<const Shape extends z.ZodRawShape>(
  description: string,
  input: Shape,
  run: (context: ToolContext, input: z.output<z.ZodObject<Shape>>) => Promise<unknown>,
  isChange = false,
): Tool {
  return { description, input, isChange, run };
}

const TEXT = 4_000;
const PAYLOAD = 20_000;
const LOG_LINES = 200;
const SPANS = 100;
/** A batch may have 10 000 records. */
const RECORDS = 100;
const LIST = 20;
/** Records of one key that are explained. */
const SAME_KEY = 5;

const mapping = z.string().optional().describe("The mapping's UUID, from list_mappings");
const topic = z.string().optional();
const partition = z.int().min(0).optional();
const offset = z.int().min(0).optional();
const limit = z.int().min(1).max(50).default(LIST);
const cursor = z.string().optional().describe('"next" of the page before');
const dryRun = z.boolean().default(false).describe('Only say what it would do');

export const TOOLS: Readonly<Record<string, Tool>> = {
  list_mappings: tool(
    'The mappings of this service: state, lag by partition, what blocks them, and why records do not come.',
    {},
    ({ ask }) => asked(ask('GET', '/api/mappings')),
  ),
  list_records: tool(
    'Records that the mappings have read, newest first.',
    {
      mapping,
      topic,
      partition,
      state: z.enum(RECORD_STATES).optional(),
      key: z.string().optional().describe('The whole key'),
      text: z.string().optional().describe('A text within the value'),
      header: z.string().optional().describe("A header's name, or name=value"),
      limit,
      cursor,
    },
    (context, query) => recorderOf(context).records(query),
  ),
  get_record: tool(
    'One record: key, value and headers as text, and each event of its life.',
    { mapping: z.string(), topic: z.string(), partition: z.int().min(0), offset: z.int().min(0) },
    async (context, { offset: at, ...place }) => {
      const found = await recorderOf(context).record({ ...place, offset: String(at) });
      if (found) return shortRecord(found);
      throw new RequestError(
        404,
        'NoSuchRecord',
        'The recorder does not have this record: ask explain.',
      );
    },
  ),
  list_invocations: tool(
    'Invocations, newest first, with state and error.',
    { mapping, limit, cursor },
    (context, query) => recorderOf(context).invocations(query),
  ),
  get_invocation: tool(
    'One invocation: its event, answer, error, log lines, and the spans of what it waited for.',
    { id: z.string() },
    async (context, { id }) => {
      const recorder = recorderOf(context);
      const found = await recorder.invocation(id);
      if (found) return { ...shortInvocation(found), ...shortSpans(await recorder.spansOf(id)) };
      throw new RequestError(
        404,
        'NoSuchInvocation',
        `There is no invocation ${id}: see list_invocations.`,
      );
    },
  ),
  list_traces: tool(
    "OpenTelemetry's traces, the one with the newest span first.",
    { service: z.string().optional(), status: z.literal('error').optional(), limit, cursor },
    (context, query) => recorderOf(context).traces(query),
  ),
  get_trace: tool(
    'One trace: its spans over all services, its records, and their invocations.',
    { id: z.string().describe("The trace's id, from list_traces or a record's traceId") },
    async (context, { id }) => {
      const found = await recorderOf(context).trace(id);
      if (found) return { ...found, ...shortSpans(found) };
      throw new RequestError(404, 'NoSuchTrace', `There is no trace ${id}: see list_traces.`);
    },
  ),
  list_letters: tool(
    'Dead letters, newest first, with their reasons, and whether they have been put back.',
    {
      topic: topic.describe('The dead-letter topic; all known ones by default'),
      mapping,
      limit,
      cursor,
    },
    ({ ask }, query) => {
      const text = new URLSearchParams();
      for (const [name, value] of Object.entries(query)) {
        if (value !== undefined) text.set(name, String(value));
      }
      return asked(ask('GET', `/api/letters?${text}`));
    },
  ),
  list_faults: tool('The faults that are set on purpose.', {}, ({ ask }) =>
    asked(ask('GET', '/api/faults')),
  ),
  explain: tool(
    'Why a record was not delivered, or what holds a mapping up. Give what is known: topic, partition and ' +
      'offset, or the key; nothing for all mappings.',
    { topic, partition, offset, key: z.string().optional(), mapping },
    explainAll,
  ),
  run_again: tool(
    'Calls the function again with a recorded invocation: as it was, edited, one record alone, or the batch ' +
      'without it. No offset moves.',
    { id: z.string(), ...againSchema.shape, dryRun },
    ({ ask }, { id, dryRun: isDryRun, ...body }) =>
      asked(ask('POST', path(`/api/invocations/${encodeURIComponent(id)}/again`, isDryRun), body)),
    true,
  ),
  redrive: tool(
    'Puts dead letters back on the topics of their records: some by place, those of a filter, or all.',
    { ...redriveSchema.shape, dryRun },
    ({ ask }, { dryRun: isDryRun, ...body }) =>
      asked(ask('POST', path('/api/letters/redrive', isDryRun), body)),
    true,
  ),
  set_fault: tool(
    'Lets the next invocations of a mapping fail, time out, be throttled, report a failed record or begin late, ' +
      'or switches its schema registry or on-failure destination off.',
    { mapping: z.string(), ...faultSchema.shape, dryRun },
    ({ ask }, { dryRun: isDryRun, ...body }) =>
      asked(ask('POST', path('/api/faults', isDryRun), body)),
    true,
  ),
  end_faults: tool(
    'Ends one fault, or all of them.',
    { id: z.string().optional(), dryRun },
    ({ ask }, { id, dryRun: isDryRun }) => {
      const where = id === undefined ? '' : `/${encodeURIComponent(id)}`;
      return asked(ask('DELETE', path(`/api/faults${where}`, isDryRun)));
    },
    true,
  ),
};

interface AskedPlace extends Asked {
  /** The mapping's UUID. */
  readonly mapping?: string | undefined;
}

/** Why the record of a place was not delivered; without a place, what holds the mappings up. */
export async function explainPlace(context: ToolContext, place: AskedPlace) {
  const { mappings, faults } = await knownOf(context, place);
  return explain(place, mappings, await livesOf(place, mappings, context.recorder), faults);
}

/** The mappings in question, and the sentences of their faults. */
async function knownOf({ ask }: ToolContext, { mapping: uuid }: AskedPlace) {
  const [shown, set] = await Promise.all([
    asked(ask('GET', '/api/mappings')) as Promise<{ mappings: ShownMapping[] }>,
    asked(ask('GET', '/api/faults')) as Promise<{ items: Fault[] }>,
  ]);
  const mappings = shown.mappings.filter((one) => !uuid || one.uuid === uuid);
  const faults = new Map(
    mappings.map((mapping) => [
      mapping.uuid,
      set.items.filter((one) => one.mapping === mapping.uuid).map(({ will }) => will),
    ]),
  );
  return { mappings, faults };
}

async function explainAll(
  context: ToolContext,
  { key, ...place }: AskedPlace & { readonly key?: string | undefined },
) {
  if (key === undefined) return explainPlace(context, place);
  const { recorder } = context;
  const { mappings, faults } = await knownOf(context, place);
  const { items } = await recorderOf(context).records({
    ...place,
    offset: undefined,
    key,
    limit: SAME_KEY,
  });
  if (items.length === 0) {
    const none = `No mapping has read a record with the key ${JSON.stringify(key)}.`;
    return { note: none, mappings: explain(place, mappings, new Map(), faults) };
  }
  return Promise.all(
    items.map(async (one) => {
      const own = mappings.filter(({ uuid }) => uuid === one.mapping);
      const found = { topic: one.topic, partition: one.partition, offset: Number(one.offset) };
      const because = explain(found, own, await livesOf(found, own, recorder), faults);
      return { ...found, because };
    }),
  );
}

async function livesOf(
  { topic: name, partition: number, offset: at }: Asked,
  mappings: readonly ShownMapping[],
  recorder: Recorder | undefined,
): Promise<ReadonlyMap<string, RecordLife>> {
  const lives = new Map<string, RecordLife>();
  if (number === undefined || at === undefined) return lives;
  for (const { uuid, topic: own } of mappings) {
    if (name !== undefined && name !== own) continue;
    const id = { mapping: uuid, topic: own, partition: number, offset: String(at) };
    const life = await recorder?.record(id);
    if (life) lives.set(uuid, life);
  }
  return lives;
}

/** The body of an answer. @throws RequestError with the answer's own words */
async function asked(answer: Promise<Answer>): Promise<unknown> {
  const { status, body } = await answer;
  if (status < 400) return body;
  const { code = 'Failed', message = JSON.stringify(body) } = Object(Object(body).error);
  throw new RequestError(status, code, message);
}

function path(base: string, isDryRun: boolean): string {
  return isDryRun ? `${base}?dryRun=true` : base;
}

function recorderOf({ recorder }: ToolContext): Recorder {
  if (recorder && recorder.problem === undefined) return recorder;
  throw new RequestError(
    404,
    'NotRecorded',
    `Nothing is recorded: ${recorder?.problem ?? 'remove recorder: false from the settings'}.`,
  );
}

function shortRecord({ key, value, headers, ...rest }: RecordLife) {
  return {
    ...rest,
    key: textOf(key),
    value: textOf(value),
    headers: headers.map(([name, bytes]) => [name, textOf(bytes)]),
  };
}

function shortInvocation({ payload, answer, logs, recordIds, ...rest }: Invocation) {
  const lines = typeof logs === 'string' ? logs : logs.slice(-LOG_LINES).map(({ line }) => line);
  return {
    ...rest,
    payload: cut(payload, PAYLOAD),
    answer: cut(answer, TEXT),
    logs: lines,
    recordIds: recordIds.slice(0, RECORDS),
  };
}

function shortSpans({ spans, isCut }: Spans) {
  return {
    spans: spans.slice(0, SPANS).map(({ events, links, ...rest }) => rest),
    ...((isCut || spans.length > SPANS) && { isCut: true }),
  };
}

function cut(text: string | undefined, length: number): string | undefined {
  if (text === undefined || text.length <= length) return text;
  return `${text.slice(0, length)}… (${text.length} characters)`;
}

/** Bytes as text, for those who cannot read base64. */
function textOf(bytes: Bytes | undefined): string | undefined {
  return bytes && cut(Buffer.from(bytes.base64, 'base64').toString('utf8'), TEXT);
}
