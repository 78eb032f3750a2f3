import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A function's result for an event: its answer, or the error that the runtime reports to Lambda. */
export type Outcome = { answer: unknown } | { error: RuntimeError };
type RuntimeError = { errorType: string; errorMessage: string; trace: string[] };

type Invocation = { id: string; event: unknown; deadline: number; ended(outcome: Outcome): void };

const RUNTIME = '/2018-06-01/runtime';
const EXTENSION = '/2020-01-01/extension';

/**
 * Lambda's Runtime API and Extensions API for one instance of a function, on the loopback. As Lambda
 * does, it begins an invocation when the runtime and the extension have both asked for the next event.
 *
 * @param options.takesExtensions false: Lambda refuses extensions; `'late'`: Lambda takes an extension at once, but
 *   answers its registration only when the runtime asks for its first event
 */
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
export async function startRuntimeApi(
  functionArn: string,
  { takesExtensions = true }: { takesExtensions?: boolean | 'late' } = {},
) {
  const waiting: Invocation[] = [];
  const running = new Map<string, Invocation>();
  const initFailed = Promise.withResolvers<RuntimeError>();
  const whenIdle: (() => void)[] = [];
  let runtime: ServerResponse | undefined;
  let extension: { id: string; idle?: ServerResponse | undefined } | undefined;
  const initialised = Promise.withResolvers<void>();
  let isInitialised = false;

  const isIdle = () => runtime !== undefined && (!extension || extension.idle !== undefined);

  const next = () => {
    if (!runtime || !isIdle()) return;
    const invocation = waiting.shift();
    if (!invocation) {
      for (const told of whenIdle.splice(0)) told();
      return;
    }
    const { id, event, deadline } = invocation;
    running.set(id, invocation);
    runtime.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': id,
      'lambda-runtime-deadline-ms': deadline,
      'lambda-runtime-invoked-function-arn': functionArn,
      'lambda-runtime-trace-id': `Root=1-5759e988-${id.replaceAll('-', '').slice(0, 24)};Parent=53995c3f42cd8ad8;Sampled=1`,
    });
    runtime.end(JSON.stringify(event));
    runtime = undefined;
    extension?.idle
      ?.writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ eventType: 'INVOKE', requestId: id, deadlineMs: deadline }));
    if (extension) extension.idle = undefined;
  };

  const routes: Record<string, (id: string, body: unknown) => void> = {
    response: (id, answer) => running.get(id)?.ended({ answer }),
    error: (id, error) => running.get(id)?.ended({ error: error as RuntimeError }),
  };

  const serveExtension = async (
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ) => {
    const refuse = (errorType: string) =>
      response.writeHead(403).end(JSON.stringify({ errorType, errorMessage: errorType }));
    if (path === '/register') {
      const { events } = Object(await json(request));
      if (isInitialised || !takesExtensions) return refuse('Extension.AlreadyInitialised');
      if (String(events) !== 'INVOKE')
        return refuse('ShutdownEventNotSupportedForInternalExtension');
      extension = { id: randomUUID() };
      if (takesExtensions === 'late') await initialised.promise;
      return response.writeHead(200, { 'lambda-extension-identifier': extension.id }).end('{}');
    }
    const isKnown = request.headers['lambda-extension-identifier'] === extension?.id;
    if (path !== '/event/next' || !extension || !isKnown) return refuse('Extension.Unknown');
    if (extension.idle) return refuse('Extension.InvalidExtensionState');
    extension.idle = response;
    return next();
  };

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '';
    if (path.startsWith(EXTENSION)) {
      await serveExtension(path.slice(EXTENSION.length), request, response);
      return;
    }
    if (path === `${RUNTIME}/invocation/next`) {
      isInitialised = true;
      initialised.resolve();
      runtime = response;
      next();
      return;
    }
    const [, id = '', kind = ''] = /\/invocation\/([^/]+)\/(\w+)$/.exec(path) ?? [];
    const known = path === `${RUNTIME}/init/error` || (running.has(id) && kind in routes);
    const body = await json(request);
    if (path === `${RUNTIME}/init/error`) initFailed.resolve(body as RuntimeError);
    else routes[kind]?.(id, body);
    running.delete(id);
    response.writeHead(known ? 202 : 404, { 'content-type': 'application/json' });
    response.end('{"status":"OK"}');
  };

  const server = http.createServer((request, response) => {
    serve(request, response).catch((error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** The error that the runtime reported before it took an event. */
    initFailed: initFailed.promise,
    /** Resolves with the answer, which the caller has before the invocation has ended. */
    invoke(event: unknown, timeoutMs: number): Promise<Outcome> {
      const outcome = Promise.withResolvers<Outcome>();
      const ended = outcome.resolve;
      waiting.push({ id: randomUUID(), event, deadline: Date.now() + timeoutMs, ended });
      next();
      return outcome.promise;
    },
    /** Whether no invocation runs, so that Lambda may freeze the instance. */
    isIdle,
    /** Resolves when Lambda may freeze the instance. */
    idle(): Promise<void> {
      if (isIdle()) return Promise.resolve();
      return new Promise((resolve) => whenIdle.push(resolve));
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
