/** The recorder's answers as JSON: records, invocations and traces, and the life of one of them. */
import { z } from 'zod';
import { decoded, RequestError, readQuery } from '../control/request.ts';
import type { Request } from '../control/server.ts';
import type { Imports } from '../recorder/imports.ts';
import {
  INVOCATION_STATES,
  type InvocationQuery,
  RECORD_STATES,
  type Recorder,
  type RecorderReader,
  type RecordQuery,
  type TraceQuery,
} from '../recorder/types.ts';

const MAX_PAGE = 200;

/** A number that the recorder takes as a text. */
const digits = z.string().regex(/^\d{1,15}$/, 'must be a number of at most 15 digits');
const count = z.coerce.number<string>().int().min(0);
const common = {
  mapping: z.string().optional(),
  functionKey: z.string().optional(),
  from: count.optional(),
  to: count.optional(),
  limit: count.min(1).max(MAX_PAGE).optional(),
  cursor: digits.optional(),
};

const recordQuery = z.strictObject({
  ...common,
  topic: z.string().optional(),
  partition: count.optional(),
  offset: digits.optional(),
  state: z.enum(RECORD_STATES).optional(),
  key: z.string().optional(),
  text: z.string().optional(),
  header: z.string().optional(),
}) satisfies z.ZodType<RecordQuery>;

const invocationQuery = z.strictObject({
  ...common,
  state: z.enum(INVOCATION_STATES).optional(),
  originalId: z.string().optional(),
}) satisfies z.ZodType<InvocationQuery>;

const traceQuery = z.strictObject({
  service: z.string().optional(),
  status: z.literal('error').optional(),
  limit: common.limit,
  cursor: common.cursor,
}) satisfies z.ZodType<TraceQuery>;

const RECORD = /^\/api\/records\/([^/]+)\/([^/]+)\/(\d+)\/(\d+)$/;
const INVOCATION = /^\/api\/invocations\/([^/]+)$/;
const SPANS = /^\/api\/invocations\/([^/]+)\/spans$/;
const TRACE = /^\/api\/traces\/([^/]+)$/;

/** The memory of this service, and those of other machines. */
export interface Memories {
  /** Undefined if the settings turn it off. */
  readonly recorder: Recorder | undefined;
  readonly imports: Imports;
}

/**
 * Answers the request, or undefined for one of another path. With `?imported=<name>` the answer comes from
 * that import, and has its name.
 *
 * @throws RequestError for a wrong query, an unknown record or import, or without a recorder
 */
export async function readRecorded(
  { path, query }: Pick<Request, 'path' | 'query'>,
  { recorder, imports }: Memories,
): Promise<unknown> {
  if (path === '/api/imports') return { items: await imports.list() };
  const name = query.get('imported');
  if (name === null) return answerOf(path, query, () => recording(recorder));
  const own = new URLSearchParams(query);
  own.delete('imported');
  const answer = await answerOf(path, own, () => imported(imports, name));
  return answer && { ...answer, imported: name };
}

async function answerOf(
  path: string,
  query: URLSearchParams,
  reader: () => RecorderReader,
): Promise<object | undefined> {
  if (path === '/api/records') return reader().records(readQuery(recordQuery, query));
  if (path === '/api/invocations') return reader().invocations(readQuery(invocationQuery, query));
  if (path === '/api/traces') return reader().traces(readQuery(traceQuery, query));
  const [, traceId] = TRACE.exec(path) ?? [];
  if (traceId) {
    const trace = await reader().trace(decoded(traceId));
    if (trace) return trace;
    throw notThere(`span or record of the trace ${decoded(traceId)}`);
  }
  const [, spansOf] = SPANS.exec(path) ?? [];
  if (spansOf) return reader().spansOf(decoded(spansOf));
  const [, mapping, topic, partition, offset] = RECORD.exec(path) ?? [];
  if (mapping && topic && offset) {
    const topicId = query.get('topicId') ?? undefined;
    const id = { mapping: decoded(mapping), topic: decoded(topic), topicId, offset };
    const life = await reader().record({ ...id, partition: Number(partition) });
    if (life) return life;
    throw notThere(`record of partition ${partition} at offset ${offset}`);
  }
  const [, id] = INVOCATION.exec(path) ?? [];
  if (!id) return undefined;
  const invocation = await reader().invocation(decoded(id));
  if (invocation) return invocation;
  throw notThere(`invocation ${decoded(id)}`);
}

/** @throws RequestError that says why nothing is recorded */
function recording(recorder: Recorder | undefined): RecorderReader {
  if (recorder && recorder.problem === undefined) return recorder;
  const why = recorder?.problem ?? 'the setting recorder is false';
  throw new RequestError(404, 'NotRecorded', `Nothing is recorded: ${why}.`);
}

/** @throws RequestError for an unknown name */
function imported(imports: Imports, name: string): RecorderReader {
  const found = imports.of(name);
  if (found) return found;
  throw new RequestError(
    404,
    'NotFound',
    `Nothing is imported under the name ${name}. GET /api/imports lists the imports.`,
  );
}

function notThere(what: string): RequestError {
  const why =
    'It may not have been read yet, or it was removed because of the limits of the recorder';
  return new RequestError(404, 'NotFound', `The recorder has no ${what}. ${why}.`);
}
