/** AWS's API for event source mappings, as any AWS SDK calls it, for the mappings that run here. */
import { isDeepStrictEqual } from 'node:util';
import type { Refusal } from '../admission/refusal.ts';
import { admit } from '../admission/refusals.ts';
import { type Json, without } from '../json.ts';
import type { Mapping } from '../mapping.ts';
import { between, CONSTRAINT } from '../settings/rules.ts';
import { type Changes, readChanges, settingRows } from '../settings/settings.ts';
import { words } from '../words.ts';
import { configurationOf, deployedWith, propertiesOf } from './configuration.ts';
import { RequestError } from './request.ts';
import { InUseError, type Runtime, type View } from './runtime.ts';
import type { Answer, Request, Route } from './server.ts';
import { readUpdate, unreadable } from './update.ts';

const PATH = /^\/2015-03-31\/event-source-mappings(?:\/([^/]*))?\/?$/;
const PAGE = 100;
/** Fields of AWS's API that this emulator does not change; it changes those in `CHANGEABLE`. */
const FIXED: readonly string[] = [
  'FunctionName',
  'SourceAccessConfigurations',
  'SelfManagedKafkaEventSourceConfig',
  'AmazonManagedKafkaEventSourceConfig',
  'KMSKeyArn',
];
const maxItems = between('maxItems', 1, 10_000);
const CHANGEABLE: readonly string[] = settingRows().flatMap(([name, { isChangeable }]) =>
  isChangeable ? [name] : [],
);

/** The codes of these errors are the names of AWS's exceptions. */
const invalid = (message: string) =>
  new RequestError(400, 'InvalidParameterValueException', message);
// AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html
const notFound = () =>
  new RequestError(404, 'ResourceNotFoundException', 'The resource you requested does not exist.');

/** Answers calls about mappings, and leaves all others to the next route. */
export function mappingsRoute(runtime: Runtime): Route {
  return (request) => {
    const match = PATH.exec(request.path);
    if (!match) return undefined;
    try {
      return answer(runtime, request, decoded(match[1] ?? ''));
    } catch (error) {
      return refusal(error);
    }
  };
}

/**
 * Passes the other calls of Lambda's API to the functions' endpoint, so that one address serves both.
 *
 * @param endpoint the address of Lambda's API, or the whole address of a function's invocations
 */
export function lambdaRoute(endpoint: string): Route {
  const api = endpoint.replace(/\/\d{4}-\d\d-\d\d\/functions\/.*$/, '').replace(/\/+$/, '');
  return async ({ method, path, query, headers, body }) => {
    if (!path.startsWith('/20')) return undefined;
    const own = Object.entries(headers).filter(([name]) => /^(x-amz|content-type$)/.test(name));
    const text = query.size > 0 ? `?${query}` : '';
    const response = await fetch(`${api}${path}${text}`, {
      method,
      headers: Object.fromEntries(own) as Record<string, string>,
      ...(body.length > 0 && { body: new Uint8Array(body) }),
      signal: AbortSignal.timeout(15 * 60_000),
    });
    const answered = [...response.headers].filter(([name]) => /^(x-amz|content-type$)/.test(name));
    return {
      status: response.status,
      headers: Object.fromEntries(answered),
      body: Buffer.from(await response.arrayBuffer()),
    };
  };
}

function answer(runtime: Runtime, { method, query, body }: Request, uuid: string): Answer {
  if (uuid === '') {
    if (method === 'GET') return { status: 200, body: list(runtime, query) };
    throw notHere();
  }
  const view = runtime.get(uuid);
  if (!view) throw notFound();
  if (method === 'GET') return { status: 200, body: configurationOf(view) };
  if (method !== 'PUT') throw notHere();
  const changed = updateMapping(runtime, uuid, parse(body));
  return { status: 202, body: configurationOf(changed) };
}

/**
 * Begins a change of a mapping's properties, by AWS's names.
 *
 * @throws RequestError for a change that AWS or the emulator refuses
 */
export function updateMapping(runtime: Runtime, uuid: string, properties: Json): View {
  const changed = runtime.update(uuid, checkUpdate(runtime, uuid, properties));
  if (!changed) throw notFound();
  return changed;
}

/** The changes that an update would make. @throws RequestError as the update would */
export function checkUpdate(runtime: Runtime, uuid: string, properties: Json): Changes {
  const view = runtime.get(uuid);
  if (!view) throw notFound();
  return changesOf(view.mapping, properties);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notFound(); // A UUID has no character that is encoded.
  }
}

function notHere(): RequestError {
  return invalid(
    `Event source mappings are made and deleted in ${words().template}: change it, and start again. ` +
      '(This message is from the local emulator, not from AWS.)',
  );
}

function list(runtime: Runtime, query: URLSearchParams): Json {
  const fn = query.get('FunctionName');
  const arn = query.get('EventSourceArn');
  const found = runtime
    .list()
    .filter(({ mapping }) => (!fn || isFunction(mapping, fn)) && (!arn || isSource(mapping, arn)));
  const size = sizeOf(query.get('MaxItems') ?? String(PAGE));
  const begin = Number(query.get('Marker') ?? 0);
  if (!Number.isInteger(begin) || begin < 0) throw invalid('Invalid marker');
  const end = begin + Math.min(size, PAGE);
  return {
    EventSourceMappings: found.slice(begin, end).map(configurationOf),
    ...(end < found.length && { NextMarker: String(end) }),
  };
}

function sizeOf(text: string): number {
  if (!/^-?\d+$/.test(text)) throw unreadable('STRING_VALUE can not be converted to an Integer');
  const size = maxItems.safeParse(Number(text));
  if (size.success) return size.data;
  throw new RequestError(400, 'ValidationException', size.error.issues[0]?.message ?? '');
}

function isFunction({ functionName, functionArn }: Mapping, wanted: string): boolean {
  const isArn = wanted.startsWith('arn:');
  if (isArn) return wanted === functionArn || wanted.startsWith(`${functionArn}:`);
  return wanted.split(':').includes(functionName);
}

function isSource({ source }: Mapping, arn: string): boolean {
  return source.eventSource === 'aws:kafka' && source.eventSourceArn === arn;
}

/** The changes of an update. @throws RequestError for a change that AWS or the emulator refuses */
function changesOf(mapping: Mapping, given: Json): Changes {
  const before = propertiesOf(mapping);
  for (const [name, value] of Object.entries(given)) {
    if (CHANGEABLE.includes(name) || isDeepStrictEqual(value, before[name])) continue;
    if (name === 'FunctionName' && isFunction(mapping, String(value))) continue;
    if (name === 'Topics') throw invalid("Parameter 'Topics' can not be updated");
    if (FIXED.includes(name)) {
      throw invalid(
        `${name} is changed in ${words().template}: change it, and start again. (This message is from the ` +
          'local emulator, not from AWS.)',
      );
    }
  }
  const now = Date.now();
  const after = { ...before, ...without(given, 'FunctionName') };
  const admission = admit(deployedWith(mapping, after), now);
  // Refusals of the mapping's present properties do not count against the update.
  const known = admit(deployedWith(mapping, before), now).refusals.map(({ message }) => message);
  const refused = admission.refusals.filter(({ message }) => !known.includes(message));
  const [first] = refused;
  if (first) throw refusedBy(first, refused);
  return admission.shape ? readChanges(admission.shape) : {};
}

/** The first refusal; or, as AWS answers them, all values at once that its service model does not allow. */
function refusedBy(first: Refusal, all: readonly Refusal[]): RequestError {
  const code = first.code ?? 'InvalidParameterValueException';
  if (code !== 'ValidationException') return new RequestError(400, code, first.message);
  const texts = all
    .filter((one) => one.code === code)
    .map(({ message }) => message.slice(CONSTRAINT.length));
  if (texts.length === 1) return new RequestError(400, code, first.message);
  return new RequestError(
    400,
    code,
    `${texts.length} validation errors detected: ${texts.join('; ')}`,
  );
}

function parse(body: Buffer): Json {
  let json: unknown = {};
  try {
    if (body.length > 0) json = JSON.parse(body.toString('utf8'));
  } catch {
    // AWS: the answer has no message.
    throw unreadable(
      'The body is not JSON. (This message is from the local emulator, not from AWS.)',
    );
  }
  return readUpdate(json);
}

function refusal(error: unknown): Answer {
  const found =
    error instanceof InUseError
      ? new RequestError(
          400,
          'ResourceInUseException',
          // AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
          `Cannot update the event source mapping because it is in use. (${error.message})`,
        )
      : error;
  if (!(found instanceof RequestError)) throw error;
  const { status, code, message } = found;
  return {
    status,
    headers: { 'x-amzn-errortype': code },
    body: { Type: 'User', Message: message, message },
  };
}
