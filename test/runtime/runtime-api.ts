import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A function's result for an event: its answer, or the error that the runtime reports to Lambda. */
export type Outcome = { answer: unknown } | { error: RuntimeError };
type RuntimeError = { errorType: string; errorMessage: string; trace: string[] };

type Invocation = { id: string; event: unknown; deadline: number; ended(outcome: Outcome): void };

const VERSION = '/2018-06-01/runtime';

/** Lambda's Runtime API for one instance of a function, on the loopback. */
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
export async function startRuntimeApi(functionArn: string) {
  const waiting: Invocation[] = [];
  const running = new Map<string, Invocation>();
  const initFailed = Promise.withResolvers<RuntimeError>();
  let idle: ServerResponse | undefined;

  const next = () => {
    const invocation = idle && waiting.shift();
    if (!idle || !invocation) return;
    running.set(invocation.id, invocation);
    idle.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': invocation.id,
      'lambda-runtime-deadline-ms': invocation.deadline,
      'lambda-runtime-invoked-function-arn': functionArn,
      'lambda-runtime-trace-id': `Root=1-5759e988-${invocation.id.replaceAll('-', '').slice(0, 24)};Parent=53995c3f42cd8ad8;Sampled=1`,
    });
    idle.end(JSON.stringify(invocation.event));
    idle = undefined;
  };

  const routes: Record<string, (id: string, body: unknown) => void> = {
    response: (id, answer) => running.get(id)?.ended({ answer }),
    error: (id, error) => running.get(id)?.ended({ error: error as RuntimeError }),
  };

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '';
    if (path === `${VERSION}/invocation/next`) {
      idle = response;
      next();
      return;
    }
    const [, id = '', kind = ''] = /\/invocation\/([^/]+)\/(\w+)$/.exec(path) ?? [];
    const known = path === `${VERSION}/init/error` || (running.has(id) && kind in routes);
    const body = await json(request);
    if (path === `${VERSION}/init/error`) initFailed.resolve(body as RuntimeError);
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
    invoke(event: unknown, timeoutMs: number): Promise<Outcome> {
      const outcome = Promise.withResolvers<Outcome>();
      const ended = outcome.resolve;
      waiting.push({ id: randomUUID(), event, deadline: Date.now() + timeoutMs, ended });
      next();
      return outcome.promise;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
