/** A local HTTP server for questions about the running mappings. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Runtime } from './runtime.ts';
import { liveOf } from './status.ts';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Answers a request; undefined for a request that belongs to another route. */
export type Route = (request: Request) => Promise<Answer | undefined> | Answer | undefined;

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ControlServer {
  readonly url: string;
  /** Whether another process had the wanted port. */
  readonly isMoved: boolean;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const MAX_BODY = 7 * 1024 * 1024;
const STATUS_PATH = '/kafka-event-source/status';

/** The folder and stage of a service, which identify the process that runs it. */
export interface Place {
  readonly folder: string;
  readonly stage: string;
}

/** Listens on the port, or on a free one if it is taken, and leaves the address for the commands. */
export async function startServer(
  port: number,
  place: Place,
  routes: readonly Route[],
): Promise<ControlServer> {
  const server = http.createServer((request, response) => {
    void answer(request, routes).then(({ status, headers, body }) => {
      const content = Buffer.isBuffer(body) ? body : JSON.stringify(body);
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(content);
    });
  });
  const isMoved = !(await listens(server, port));
  if (isMoved) await listens(server, 0);
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const file = fileOf(place);
  writeFileSync(file, JSON.stringify({ url, pid: process.pid }));
  return {
    url,
    isMoved,
    async close() {
      // Another process of the same service may have written its own address since.
      if (readPlace(place)?.pid === process.pid) rmSync(file, { force: true });
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers `sls kafka status`. */
export function statusRoute(runtime: Runtime): Route {
  return ({ method, path }) =>
    method === 'GET' && path === STATUS_PATH
      ? { status: 200, body: { mappings: runtime.list().map(liveOf) } }
      : undefined;
}

/** Asks the process that runs this service; undefined if none answers. */
export async function findStatus(place: Place): Promise<unknown> {
  const found = readPlace(place);
  if (!found) return undefined;
  try {
    const response = await fetch(`${found.url}${STATUS_PATH}`, {
      signal: AbortSignal.timeout(3_000),
    });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined; // The process was killed and has left its address behind.
  }
}

function readPlace(place: Place): { url: string; pid: number } | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(place), 'utf8'));
  } catch {
    return undefined; // No address has been written, or only a part of it.
  }
}

function fileOf({ folder, stage }: Place): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([folder, stage]))
    .digest('hex');
  return join(tmpdir(), `kafka-event-source-${hash.slice(0, 16)}.json`);
}

async function listens(server: http.Server, port: number): Promise<boolean> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen(port, HOST, () => {
      server.off('error', resolve);
      resolve(undefined);
    });
  });
  if (error && error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error;
  return error === undefined;
}

async function answer(request: http.IncomingMessage, routes: readonly Route[]): Promise<Answer> {
  try {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const body = await bodyOf(request);
    const { method = 'GET', headers } = request;
    const asked = { method, path: url.pathname, query: url.searchParams, headers, body };
    for (const route of routes) {
      const found = await route(asked);
      if (found) return found;
    }
    return { status: 404, body: { Message: `There is nothing at ${url.pathname}.` } };
  } catch (error) {
    return { status: 500, body: { Message: error instanceof Error ? error.message : `${error}` } };
  }
}

async function bodyOf(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY) throw new Error('The request is larger than 7 MB.');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
