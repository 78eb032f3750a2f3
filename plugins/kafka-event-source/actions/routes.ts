/** The requests of `/api` that change something, as JSON. Each can say first, by `?dryRun=true`, what it will do. */
import { z } from 'zod';
import { decoded, RequestError, readPart } from '../control/request.ts';
import { InUseError, type Runtime } from '../control/runtime.ts';
import type { Answer, Request, Route } from '../control/server.ts';
import type { Invoker } from '../lambda/invoke.ts';
import { type Log, messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { plural } from '../plural.ts';
import type { Recorder } from '../recorder/types.ts';
import { againSchema, runAgain } from './again.ts';
import { bad } from './error.ts';
import { type Faults, faultSchema } from './faults.ts';
import { listLetters, redriveLetters, redriveSchema } from './letters.ts';
import { batchSizeSchema, type Change, change, pausing, resizing, resuming } from './mappings.ts';
import { move, moveSchema, planMove } from './position.ts';
import { chooseMapping, produce, produceSchema } from './produce.ts';

export interface Actions {
  readonly runtime: Runtime;
  readonly faults: Faults;
  readonly log: Log;
  /** Undefined if the settings turn it off. */
  readonly recorder: Recorder | undefined;
  readonly invokerOf: (mapping: Mapping) => Invoker;
  /** Aborted when the emulator ends. */
  readonly ending: AbortSignal;
  /** Topics with dead letters, besides those of the mappings' destinations. */
  readonly deadLetterTopics: () => readonly string[];
}

interface Call {
  /** The decoded parts of the path, such as a UUID. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly isDryRun: boolean;
}

type Run = (actions: Actions, call: Call) => Promise<unknown> | unknown;

interface Row {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `*` stands for one part. */
  readonly path: string;
  readonly run: Run;
}

const ROWS: readonly Row[] = [
  { method: 'GET', path: '/api/faults', run: ({ faults }) => ({ items: faults.list() }) },
  { method: 'POST', path: '/api/faults', run: setFault },
  { method: 'DELETE', path: '/api/faults', run: endFaults },
  { method: 'DELETE', path: '/api/faults/*', run: endFault },
  { method: 'POST', path: '/api/mappings/*/pause', run: changing(pausing) },
  { method: 'POST', path: '/api/mappings/*/resume', run: changing(resuming) },
  {
    method: 'POST',
    path: '/api/mappings/*/batch-size',
    run: changing((mapping, body) => resizing(mapping, read(batchSizeSchema, body).size)),
  },
  { method: 'POST', path: '/api/mappings/*/position', run: moveGroup },
  { method: 'POST', path: '/api/records', run: produceRecord },
  {
    method: 'POST',
    path: '/api/invocations/*/again',
    run: (actions, { parts: [id = ''], body, isDryRun }) =>
      runAgain(actions, id, read(againSchema, body), isDryRun),
  },
  { method: 'GET', path: '/api/letters', run: (actions, { query }) => listLetters(actions, query) },
  {
    method: 'POST',
    path: '/api/letters/redrive',
    run: (actions, { body, isDryRun }) =>
      redriveLetters(actions, read(redriveSchema, body), isDryRun),
  },
];

/** Answers the requests of the table above, and leaves all others to the next route. */
export function actionsRoute(actions: Actions): Route {
  return async (request) => {
    const found = ROWS.find(
      ({ method, path }) => method === request.method && parts(path, request),
    );
    if (!found) return undefined;
    try {
      const body = await found.run(actions, callOf(found, request));
      return { status: 200, body };
    } catch (error) {
      return refusal(error);
    }
  };
}

/** The mapping with this UUID. @throws RequestError if there is none */
function mappingOf({ runtime }: Pick<Actions, 'runtime'>, uuid: string): Mapping {
  const view = runtime.get(uuid);
  if (view) return view.mapping;
  throw new RequestError(
    404,
    'NoSuchMapping',
    `There is no mapping ${uuid}: GET /api/mappings lists the mappings that run here.`,
  );
}

/** Reads a request's body. @throws RequestError that names each fault */
function read<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  return readPart(schema, body, bad);
}

function changing(changeOf: (mapping: Mapping, body: unknown) => Change): Run {
  return ({ runtime }, { parts: [uuid = ''], body, isDryRun }) => {
    const mapping = mappingOf({ runtime }, uuid);
    return change(runtime, mapping, changeOf(mapping, body), isDryRun);
  };
}

async function moveGroup({ runtime, log }: Actions, { parts: [uuid = ''], body, isDryRun }: Call) {
  const mapping = mappingOf({ runtime }, uuid);
  const wish = read(moveSchema, body);
  if (isDryRun) return planMove(mapping, wish, log);
  return move(runtime, mapping, wish, log);
}

function produceRecord({ runtime, log }: Actions, { body, isDryRun }: Call) {
  const wish = read(produceSchema, body);
  const mappings = runtime.list().map(({ mapping }) => mapping);
  return produce(chooseMapping(wish, mappings), wish, log, isDryRun);
}

function setFault(actions: Actions, { body, isDryRun }: Call) {
  const { mapping: uuid, ...wish } = read(faultSchema.extend({ mapping: z.string() }), body);
  const mapping = mappingOf(actions, uuid);
  if (isDryRun) return { will: actions.faults.plan(mapping, wish).will };
  const fault = actions.faults.set(mapping, wish);
  actions.log.notice(`Kafka event source: fault set: ${fault.will}`);
  return fault;
}

function endFault({ faults, log }: Actions, { parts: [id = ''], isDryRun }: Call) {
  const fault = isDryRun ? faults.list().find((one) => one.id === id) : faults.end(id);
  if (!fault) {
    throw new RequestError(
      404,
      'NoSuchFault',
      `There is no fault ${id}; it may be used up. GET /api/faults lists those that there are.`,
    );
  }
  if (isDryRun) return { will: `Ends this fault: ${fault.will}` };
  log.notice(`Kafka event source: fault ended: ${fault.will}`);
  return { ended: [fault] };
}

function endFaults({ faults, log }: Actions, { query, isDryRun }: Call) {
  const mapping = query.get('mapping');
  const found = faults.list().filter((one) => mapping === null || one.mapping === mapping);
  if (isDryRun) return { will: `Ends ${plural(found.length, 'fault')}.` };
  for (const { id } of found) faults.end(id);
  if (found.length > 0) log.notice(`Kafka event source: ${plural(found.length, 'fault')} ended`);
  return { ended: found };
}

function parts(pattern: string, { path }: Pick<Request, 'path'>): string[] | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const isSame = wanted.every((one, index) => one === '*' || one === given[index]);
  return isSame ? given.filter((_, index) => wanted[index] === '*') : undefined;
}

function callOf({ path, method }: Row, request: Request): Call {
  const { query } = request;
  return {
    parts: (parts(path, request) ?? []).map(decoded),
    query,
    body: method === 'POST' ? bodyOf(request) : undefined,
    isDryRun: query.get('dryRun') === 'true',
  };
}

function bodyOf({ headers, body }: Request): unknown {
  // A page of another site can send other types without a question by its browser first.
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    throw new RequestError(
      415,
      'NotJson',
      'Send the body as JSON, with content-type: application/json.',
    );
  }
  try {
    return JSON.parse(body.toString('utf8') || '{}');
  } catch (error) {
    throw new RequestError(400, 'NotJson', `The body is not JSON: ${messageOf(error)}.`);
  }
}

function refusal(error: unknown): Answer {
  const found =
    error instanceof InUseError
      ? new RequestError(409, 'MappingInUse', `${error.message}: wait until that has ended.`)
      : error;
  const { status = 500, code = 'Failed' } = found instanceof RequestError ? found : {};
  return { status, body: { error: { code, message: messageOf(found) } } };
}
