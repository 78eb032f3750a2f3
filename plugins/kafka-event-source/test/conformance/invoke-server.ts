/** Servers with Lambda's Invoke API in front of the function: one as Lambda, one as `sam local start-lambda`. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { kill } from '../support/program.ts';
import { FUNCTION, TIMEOUT_SECONDS } from './templates.ts';

interface RuntimeError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

type Outcome =
  | { readonly answer: unknown }
  | { readonly error: RuntimeError }
  | { readonly exitCode: number | null }
  | { readonly isLate: true };

export interface HttpAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The HTTP answers of an endpoint. */
export interface Answers {
  ofOutcome(outcome: Outcome, requestId: string): HttpAnswer;
  /** For a name that no function has. */
  notFound(name: string): HttpAnswer;
}

const INSTANCE = join(import.meta.dirname, 'function/instance.mjs');
const PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;
const FAILED = { 'x-amz-function-error': 'Unhandled' };

/** Lambda's own answers: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
export const lambdaAnswers: Answers = {
  ofOutcome(outcome, requestId) {
    if ('answer' in outcome) return { body: JSON.stringify(outcome.answer) };
    return { headers: FAILED, body: JSON.stringify(errorOf(outcome, requestId)) };
  },
  notFound: (name) => ({
    status: 404,
    headers: { 'x-amzn-errortype': 'ResourceNotFoundException' },
    body: JSON.stringify({ Type: 'User', Message: `Function not found: ${name}` }),
  }),
};

/**
 * The answers of `sam local start-lambda`, which runs the function by the runtime interface emulator in a
 * container and passes the body on. Written after aws-sam-cli's samcli/local/lambda_service and
 * samcli/local/services/base_local_service.py; SAM itself needs Docker, and is not run here.
 */
export function samAnswers(): Answers {
  let errors = 0;
  return {
    ofOutcome(outcome, requestId) {
      const headers = { 'content-type': 'application/json' };
      // The emulator's text, under SAM without a header and with status 200.
      if ('isLate' in outcome) {
        return { headers, body: `Task timed out after ${TIMEOUT_SECONDS}.00 seconds` };
      }
      if ('answer' in outcome) return { headers, body: JSON.stringify(outcome.answer) };
      let error: object = errorOf(outcome, requestId);
      // Every other error has the form of Python's client, whose four members SAM does not know as an error.
      errors += 1;
      if ('error' in outcome && errors % 2 === 0) {
        const { errorType, errorMessage, trace: stackTrace } = outcome.error;
        error = { errorMessage, errorType, requestId, stackTrace };
      }
      return {
        headers: { ...headers, ...(isErrorForSam(error) && FAILED) },
        body: JSON.stringify(error),
      };
    },
    notFound: (name) => ({
      status: 404,
      headers: { 'x-amzn-errortype': 'ResourceNotFound', 'content-type': 'application/json' },
      body: JSON.stringify({
        Type: 'User',
        Message: `Function not found: arn:aws:lambda:us-west-2:012345678901:function:${name}`,
      }),
    }),
  };
}

/** SAM takes a body for an error by its members: these alone, or any three with the first two. */
function isErrorForSam(body: object): boolean {
  const names = Object.keys(body);
  const known = ['errorMessage', 'errorType', 'stackTrace', 'cause'];
  return names.length === 3 || names.every((name) => known.includes(name));
}

function errorOf(outcome: Exclude<Outcome, { answer: unknown }>, requestId: string): RuntimeError {
  if ('error' in outcome) return outcome.error;
  const [errorType, message] =
    'isLate' in outcome
      ? ['Sandbox.Timedout', `Task timed out after ${TIMEOUT_SECONDS}.00 seconds`]
      : ['Runtime.ExitError', `Runtime exited with error: exit status ${outcome.exitCode}`];
  return { errorType, errorMessage: `RequestId: ${requestId} Error: ${message}` };
}

/** Serves the function until the end. Each invocation at a time has an instance of its own, as on Lambda. */
export async function serveFunction(answers: Answers, env: NodeJS.ProcessEnv) {
  const all = new Set<ChildProcess>();
  const idle: ChildProcess[] = [];

  const instance = () => {
    const found = idle.pop();
    if (found) return found;
    const child = fork(INSTANCE, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    all.add(child);
    child.once('exit', () => all.delete(child));
    return child;
  };

  const invoke = async (event: object): Promise<Outcome> => {
    const child = instance();
    const outcome = Promise.withResolvers<Outcome>();
    const onMessage = (message: unknown) => outcome.resolve(message as Outcome);
    const onExit = (exitCode: number | null) => outcome.resolve({ exitCode });
    const timer = setTimeout(() => outcome.resolve({ isLate: true }), TIMEOUT_SECONDS * 1000);
    child.once('message', onMessage).once('exit', onExit);
    child.send(event);
    const result = await outcome.promise;
    clearTimeout(timer);
    child.off('message', onMessage).off('exit', onExit);
    if ('isLate' in result) await kill(child);
    else if (!('exitCode' in result)) idle.push(child);
    return result;
  };

  const answer = async (request: http.IncomingMessage): Promise<HttpAnswer> => {
    const [, name = ''] = PATH.exec(request.url ?? '') ?? [];
    const body = await text(request);
    if (name !== FUNCTION) return answers.notFound(name);
    return answers.ofOutcome(await invoke(JSON.parse(body)), crypto.randomUUID());
  };

  const server = http.createServer(async (request, response) => {
    const { status = 200, headers = {}, body } = await answer(request);
    response.writeHead(status, headers).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await Promise.all([...all].map(kill));
    },
  };
}
