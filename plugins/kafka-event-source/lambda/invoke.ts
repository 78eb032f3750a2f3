/** Calls a function through the Lambda Invoke endpoint. */
import http from 'node:http';
import https from 'node:https';
import { excerpt } from '../excerpt.ts';
import type { InvocationResult, Invoked } from './result.ts';

export interface InvokeOptions {
  /** The address of Lambda's API, or the whole address of one function's invocations. */
  readonly endpoint: string;
  readonly functionName: string;
  readonly timeoutMs: number;
  /**
   * Whether the endpoint may send a function's error without the header X-Amz-Function-Error, as AWS's
   * runtime interface emulator does. False by default.
   */
  readonly errorsInBody?: boolean;
  /** Whether the endpoint is asked for the function's last log lines. */
  readonly wantsLogs?: boolean;
}

export interface Invoker {
  /** @param id is sent with the invocation, and names it in this process */
  invoke(payload: Buffer, id?: string): Promise<InvocationResult>;
  /** Ends invocations still in flight and closes the connections. */
  close(): void;
}

/** AWS: the largest answer of a function. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const ANSWER_BYTES = 6_291_556;
/** AWS's own message. */
const TOO_LONG = `Response payload size exceeded maximum allowed payload size (${ANSWER_BYTES} bytes).`;

/** The most characters of a function's error in a message. */
const MESSAGE_LENGTH = 2_000;

/** The header with the id of an invocation, by which serverless-offline's calls are told apart. */
export const INVOCATION_HEADER = 'x-kafka-event-source-invocation';

/** An endpoint answers so to a request that it does not support. */
const NOT_IMPLEMENTED = 501;

/** Added to the function's own timeout, which does not include a cold start. */
const MARGIN_MS = 30_000;
const NO_TIMEOUT_MS = 15 * 60_000;

/** The time in which an answer must come; serverless-offline's `noTimeout` allows 15 minutes at least. */
export function timeLimitOf(
  {
    timeoutMs,
    executionMs = timeoutMs,
  }: { readonly timeoutMs: number; readonly executionMs?: number },
  { noTimeout = false }: { readonly noTimeout?: boolean },
): number {
  // AWS: the invocation of a durable function lasts as long as its execution.
  // https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking-esm.html
  return Math.max(noTimeout ? NO_TIMEOUT_MS : 0, executionMs + MARGIN_MS);
}

/** The parts of an answer of Lambda's Invoke API. */
interface Answer {
  readonly status: number;
  readonly functionError?: string | undefined;
  readonly invoked: Invoked;
  readonly body: string;
}

/**
 * An invoker for one function. It uses node:http because fetch gives up after 300 s without
 * response headers, and an invocation may last longer.
 */
export function createInvoker({
  endpoint,
  functionName,
  timeoutMs,
  errorsInBody = false,
  wantsLogs = false,
}: InvokeOptions): Invoker {
  const url = addressOf(endpoint, functionName);
  const client = url.protocol === 'https:' ? https : http;
  const agent = new client.Agent({ keepAlive: true });
  let isClosed = false;
  let asksForLogs = wantsLogs;

  const post = (body: Buffer, id?: string) =>
    new Promise<Answer>((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        'content-length': body.length,
        ...(id !== undefined && { [INVOCATION_HEADER]: id }),
        // AWS: the answer has the last 4 KB of the log.
        // https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
        ...(asksForLogs && { 'x-amz-log-type': 'Tail' }),
      };
      const request = client.request(url, { method: 'POST', agent, headers }, (response) => {
        read(response).then(resolve, reject);
      });
      let isOver = false;
      const timer = setTimeout(() => {
        isOver = true;
        reject(new Fault(`no answer from ${url.href} within ${timeoutMs} ms`));
        request.destroy();
      }, timeoutMs);
      request.on('close', () => clearTimeout(timer));
      request.on('error', (error: NodeJS.ErrnoException) => {
        // The other side may close a kept connection at the moment it is used again. The end of the
        // time and of the invoker look the same, and must not invoke the function once more.
        if (request.reusedSocket && error.code === 'ECONNRESET' && !isOver && !isClosed) {
          post(body, id).then(resolve, reject);
        } else reject(error);
      });
      request.end(body);
    });

  // `sam local start-lambda` refuses each invocation that asks for log lines, before the function runs.
  const call = async (body: Buffer, id?: string) => {
    const isAsking = asksForLogs;
    const answer = await post(body, id);
    if (!isAsking || answer.status !== NOT_IMPLEMENTED) return answer;
    asksForLogs = false;
    return post(body, id);
  };

  return {
    invoke: (payload, id) =>
      call(payload, id).then(
        (answer) => toResult(answer, errorsInBody),
        (error: NodeJS.ErrnoException) =>
          // AWS: a timeout of the function and too large an answer are function errors, and count as
          // attempts.
          error instanceof Fault
            ? fault(error.message)
            : { kind: 'notReached', message: `${url.href}: ${describe(error)}` },
      ),
    close: () => {
      isClosed = true;
      agent.destroy();
    },
  };
}

/** The address of the function's invocations at an endpoint. */
export function addressOf(endpoint: string, functionName: string): URL {
  const url = new URL(endpoint);
  if (url.pathname.endsWith('/invocations')) return url;
  const base = url.pathname.replace(/\/+$/, '');
  url.pathname = `${base}/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`;
  return url;
}

/** An error that counts as the function's. */
class Fault extends Error {}

function fault(message: string): InvocationResult {
  return { kind: 'functionError', message };
}

/** The result of an answer of so many bytes, if it is too long for AWS. */
export function tooLong(bytes: number): InvocationResult | undefined {
  return bytes > ANSWER_BYTES ? fault(TOO_LONG) : undefined;
}

async function read(response: http.IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    if (bytes > ANSWER_BYTES) throw new Fault(TOO_LONG);
    chunks.push(chunk as Buffer);
  }
  const requestId = header(response, 'x-amzn-requestid');
  const executedVersion = header(response, 'x-amz-executed-version');
  const log = header(response, 'x-amz-log-result');
  return {
    status: response.statusCode ?? 0,
    functionError: header(response, 'x-amz-function-error'),
    invoked: {
      ...(requestId && { requestId }),
      ...(executedVersion && { executedVersion }),
      ...(log && { logTail: Buffer.from(log, 'base64').toString('utf8') }),
    },
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function header({ headers }: http.IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

const UNKNOWN_THERE =
  'If the endpoint has the function under another name, start with --function <key>=<name there>';

/** The result of an invocation that the endpoint answers like this. */
export function toResult(
  { status, functionError, invoked, body }: Answer,
  errorsInBody = false,
): InvocationResult {
  const payload = parse(body);
  if (functionError !== undefined) {
    const message = `${functionError}: ${errorMessage(payload)}`;
    return { kind: 'functionError', message, body, ...invoked };
  }
  const isSuccess = status >= 200 && status < 300;
  const error = errorsInBody ? errorIn(body, payload, isSuccess) : undefined;
  if (error !== undefined) return { kind: 'functionError', message: error, body, ...invoked };
  if (isSuccess) return { kind: 'ok', payload, ...invoked };
  const advice = status === 404 ? `. ${UNKNOWN_THERE}` : '';
  const message = `status ${status}: ${errorMessage(payload)}${advice}`;
  return { kind: status === 413 ? 'tooLarge' : 'notReached', message };
}

/** The answer as JSON. Any other answer stays text; its reader refuses it. */
function parse(body: string): unknown {
  if (body === '') return null;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

/**
 * The function's error in an answer without the header: AWS's form of an error, also with status 502 when
 * the runtime has ended; or with a good status a text that is no JSON, such as "Task timed out after 3.00
 * seconds" of the runtime interface emulator.
 */
function errorIn(body: string, payload: unknown, isSuccess: boolean): string | undefined {
  if (typeof payload === 'string' && payload === body) {
    return isSuccess ? errorMessage(payload) : undefined;
  }
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { errorMessage: message, errorType: type } = payload as Record<string, unknown>;
  return typeof message === 'string' && typeof type === 'string'
    ? `${type}: ${shortened(message)}`
    : undefined;
}

function errorMessage(payload: unknown): string {
  if (typeof payload === 'object' && payload !== null) {
    const { errorMessage, Message, message } = payload as Record<string, unknown>;
    const found = errorMessage ?? Message ?? message;
    if (typeof found === 'string') return shortened(found);
  }
  return typeof payload === 'string' ? payload.slice(0, 500) : excerpt(payload);
}

/** For the log and the status: an error may have a message of megabytes, and the result has its whole body. */
function shortened(message: string): string {
  return message.length > MESSAGE_LENGTH ? `${message.slice(0, MESSAGE_LENGTH)}…` : message;
}

// A refused connection to "localhost" is an AggregateError with an empty message.
function describe(error: NodeJS.ErrnoException): string {
  return error.message || error.code || error.name;
}
