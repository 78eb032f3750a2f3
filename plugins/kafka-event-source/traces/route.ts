/** Receives traces by OTLP over HTTP: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type Access, hasToken, TRACES_PATH } from '../control/guard.ts';
import { RequestError } from '../control/request.ts';
import { type Answer, MAX_BODY, type Request, type Route } from '../control/server.ts';
import { messageOf } from '../log.ts';
import type { Recorder } from '../recorder/types.ts';
import { type Decoded, decodeSpans } from './decode.ts';
import { fromProtobuf, hasMoreMessages, toProtobuf } from './messages.ts';

export interface TracesOptions {
  /** Undefined if the settings turn it off. */
  readonly recorder: Pick<Recorder, 'addSpans' | 'problem'> | undefined;
  /** With this, requests need its token: other machines can reach the server. */
  readonly access?: Access | undefined;
}

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/x-protobuf';

const REQUEST = 'ExportTraceServiceRequest';
/**
 * 7 MB can have millions of empty parts, whose reading would hold the thread that delivers records for seconds. A
 * collector's request of 8 192 spans with 30 attributes each has about as many.
 */
const MOST_PARTS = 500_000;
const [CURLY, SQUARE] = Buffer.from('{[');

const unpack = promisify(gunzip);

/** Google's codes for the errors: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 413: 8 };
const UNIMPLEMENTED = 12;

/** Takes spans into the recorder. */
export function tracesRoute({ recorder, access }: TracesOptions): Route {
  return async (request) => {
    if (request.path !== TRACES_PATH) return undefined;
    const type = typeOf(request);
    try {
      if (access && !hasToken(request, access)) {
        throw new RequestError(
          401,
          'TokenMissing',
          `Other machines can reach this server, so ${TRACES_PATH} needs the token that the start has ` +
            'printed: set OTEL_EXPORTER_OTLP_HEADERS to "authorization=Bearer%20<token>".',
        );
      }
      const { spans, refused, reason } = await spansIn(request, type);
      const problem = recorder ? recorder.problem : 'the setting recorder is false';
      const why =
        problem ?? (recorder?.addSpans(spans) ? undefined : 'the recorder does not keep pace');
      const lost = why === undefined ? refused : refused + spans.length;
      const errorMessage = why === undefined ? reason : `Nothing is recorded: ${why}.`;
      const message =
        lost > 0 ? { partialSuccess: { rejectedSpans: String(lost), errorMessage } } : {};
      return await answer(200, type, 'ExportTraceServiceResponse', message);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      const { status, message } = error;
      const code = CODES[status] ?? UNIMPLEMENTED;
      return await answer(status, type, 'Status', { code, message });
    }
  };
}

function mediaTypeOf({ headers }: Request): string | undefined {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase();
}

/** The request's own encoding, in which it gets its answer; JSON for any other type. */
function typeOf(request: Request): string {
  return mediaTypeOf(request) === PROTOBUF_TYPE ? PROTOBUF_TYPE : JSON_TYPE;
}

/** @throws RequestError */
async function spansIn(request: Request, type: string): Promise<Decoded> {
  const { method, headers } = request;
  if (method !== 'POST') {
    throw new RequestError(405, 'MethodNotAllowed', `Send spans to ${TRACES_PATH} by POST.`);
  }
  if (mediaTypeOf(request) !== type) {
    const given = headers['content-type'] ?? 'nothing';
    const both = `${JSON_TYPE} or ${PROTOBUF_TYPE}`;
    const message = `The content-type is ${given.slice(0, 100)}; it must be ${both}.`;
    throw new RequestError(415, 'TypeNotSupported', message);
  }
  const bytes = await unpacked(request);
  try {
    if (type === PROTOBUF_TYPE) {
      if (await hasMoreMessages(REQUEST, bytes, MOST_PARTS)) throw tooMany('messages');
      return decodeSpans(await fromProtobuf(REQUEST, bytes));
    }
    if (hasMoreParts(bytes)) throw tooMany('objects and lists');
    return decodeSpans(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    if (error instanceof RequestError) throw error;
    const message = `The body cannot be read as ${type}: ${messageOf(error)}.`;
    throw new RequestError(400, 'BadRequest', message);
  }
}

function tooMany(parts: string): RequestError {
  const message = `The request has more than ${MOST_PARTS} ${parts}: send fewer spans at a time.`;
  return new RequestError(413, 'TooLarge', message);
}

/** Whether JSON has too many objects and lists, which its brackets tell in less time than its reader. */
function hasMoreParts(bytes: Buffer): boolean {
  if (bytes.length <= MOST_PARTS) return false;
  let count = 0;
  for (const byte of bytes) if (byte === CURLY || byte === SQUARE) count += 1;
  return count > MOST_PARTS;
}

async function unpacked({ headers, body }: Request): Promise<Buffer> {
  const encoding = headers['content-encoding']?.trim().toLowerCase() || 'identity';
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip') {
    const message = `The content-encoding is ${encoding.slice(0, 100)}; it must be gzip or none.`;
    throw new RequestError(415, 'EncodingNotSupported', message);
  }
  try {
    return await unpack(body, { maxOutputLength: MAX_BODY });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      const message = 'The unpacked request is larger than 7 MB: send fewer spans at a time.';
      throw new RequestError(413, 'TooLarge', message);
    }
    throw new RequestError(400, 'BadRequest', `The body is not gzip: ${messageOf(error)}.`);
  }
}

async function answer(
  status: number,
  type: string,
  name: 'ExportTraceServiceResponse' | 'Status',
  message: object,
): Promise<Answer> {
  const headers = { 'content-type': type, ...(status === 405 && { allow: 'POST' }) };
  const body = type === PROTOBUF_TYPE ? await toProtobuf(name, message) : message;
  return { status, headers, body };
}
