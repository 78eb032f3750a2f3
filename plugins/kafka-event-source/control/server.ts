/** The HTTP server on this machine with the API of the running mappings. */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../log.ts';
import { type Access, type Asked, newAccess, refusalOf, refused, SAFE_HEADERS } from './guard.ts';
import type { Runtime } from './runtime.ts';
import { liveOf } from './status.ts';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes, a stream that ends with the connection, or a value that is sent as JSON. */
  readonly body: unknown;
}

/** Answers a request; undefined for a request that belongs to another route. */
export type Route = (request: Request) => Promise<Answer | undefined> | Answer | undefined;

export interface Request extends Asked {
  readonly body: Buffer;
}

export interface ControlServer {
  readonly url: string;
  /** Whether another process had the wanted port. */
  readonly isMoved: boolean;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const UNSPECIFIED: readonly string[] = ['0.0.0.0', '::'];
export const MAX_BODY = 7 * 1024 * 1024;
/** A larger body is not read to its end, so its sender gets no answer. */
const MAX_READ = 10 * MAX_BODY;
const STATUS_PATH = '/kafka-event-source/status';

/** The folder and stage of a service, which identify the process that runs it. */
export interface Place {
  readonly folder: string;
  readonly stage: string;
}

export interface ServerOptions {
  readonly access?: Access;
  /** The address to listen at; loopback by default. */
  readonly host?: string;
}

/** Listens on the port, or on a free one if it is taken. The commands find the address in a file. */
export async function startServer(
  port: number,
  place: Place,
  routes: readonly Route[],
  { access = newAccess(), host = HOST }: ServerOptions = {},
): Promise<ControlServer> {
  const server = http.createServer((request, response) => {
    void answer(request, routes, access).then(({ status, headers, body }) => {
      const type = { 'content-type': 'application/json', 'cache-control': 'no-store' };
      response.writeHead(status, { ...type, ...SAFE_HEADERS, ...headers });
      // The reader's end ends the stream, and is no fault.
      if (body instanceof Readable) void pipeline(body, response).catch(() => undefined);
      else response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
    });
  });
  const isMoved = !(await listens(server, port, host));
  if (isMoved) await listens(server, 0, host);
  const { port: own } = server.address() as AddressInfo;
  const url = `http://localhost:${own}`;
  const file = join(tmpdir(), `${prefixOf(place)}${process.pid}-${randomUUID()}.json`);
  // `localhost` may also mean ::1, and a refusal there would look like the end of this process.
  const address = isIP(host) === 0 || UNSPECIFIED.includes(host) ? HOST : host;
  const inUrl = isIP(address) === 6 ? `[${address}]` : address;
  writeFileSync(file, JSON.stringify({ url: `http://${inUrl}:${own}` }));
  return {
    url,
    isMoved,
    async close() {
      rmSync(file, { force: true });
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * Answers the commands that ask for the state of the running mappings.
 *
 * @param servers the servers of this machine that stand for the deployed ones
 */
export function statusRoute(
  runtime: Runtime,
  place: Place,
  servers: () => readonly string[] | undefined = () => undefined,
): Route {
  return ({ method, path }) => {
    if (method !== 'GET' || path !== STATUS_PATH) return undefined;
    const mappings = runtime.list().map(liveOf);
    return {
      status: 200,
      body: { place: keyOf(place), bootstrapServers: servers(), mappings },
    };
  };
}

/** Asks the process that runs this service, the last one started if several do; undefined if none answers. */
export async function findStatus(place: Place): Promise<unknown> {
  for (const file of addressFiles(place)) {
    const answer = await askStatus(file);
    // The port of a process that was killed may be another service's by now.
    if (answer?.place === keyOf(place)) return answer;
  }
  return undefined;
}

/** The servers that the process of this service uses in place of the deployed ones. */
export async function findServers(place: Place): Promise<readonly string[] | undefined> {
  const answer = (await findStatus(place)) as { bootstrapServers?: readonly string[] } | undefined;
  return answer?.bootstrapServers;
}

async function askStatus(file: string): Promise<{ readonly place?: unknown } | undefined> {
  try {
    const { url } = JSON.parse(readFileSync(file, 'utf8'));
    const response = await fetch(`${url}${STATUS_PATH}`, { signal: AbortSignal.timeout(3_000) });
    return response.ok ? ((await response.json()) as { place?: unknown }) : undefined;
  } catch (error) {
    const { cause } = error as { readonly cause?: { readonly code?: string } };
    // A killed process has left its file behind. One that hangs may go on, and keeps its file.
    if (cause?.code === 'ECONNREFUSED') rmSync(file, { force: true });
    return undefined;
  }
}

/** The files with the addresses of processes that ran this service, the newest one first. */
function addressFiles(place: Place): string[] {
  const folder = tmpdir();
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefixOf(place)))
    .map((name) => join(folder, name))
    .map((file) => ({ file, at: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.at - a.at)
    .map(({ file }) => file);
}

function prefixOf(place: Place): string {
  return `kafka-event-source-${keyOf(place).slice(0, 16)}-`;
}

function keyOf({ folder, stage }: Place): string {
  return createHash('sha256')
    .update(JSON.stringify([realFolder(folder), stage]))
    .digest('hex');
}

/** The folder by its one name: terminals of Windows and macOS differ in the case of its letters. */
function realFolder(folder: string): string {
  try {
    return realpathSync.native(folder);
  } catch {
    return folder;
  }
}

async function listens(server: http.Server, port: number, host: string): Promise<boolean> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen(port, host, () => {
      server.off('error', resolve);
      resolve(undefined);
    });
  });
  if (error && error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error;
  return error === undefined;
}

async function answer(
  request: http.IncomingMessage,
  routes: readonly Route[],
  access: Access,
): Promise<Answer> {
  try {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { method = 'GET', headers } = request;
    const asked = { method, path: url.pathname, query: url.searchParams, headers };
    const refusal = refusalOf(asked, access);
    if (refusal) return refusal;
    const body = await bodyOf(request);
    if (!body) return TOO_LARGE;
    for (const route of routes) {
      const found = await route({ ...asked, body });
      if (found) return found;
    }
    return { status: 404, body: { Message: `There is nothing at ${url.pathname}.` } };
  } catch (error) {
    return { status: 500, body: { Message: messageOf(error) } };
  }
}

/** Undefined for a body that is too large. It is read to its end, since a sender takes the answer only then. */
async function bodyOf(request: http.IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_READ) break;
    if (bytes <= MAX_BODY) chunks.push(chunk as Buffer);
  }
  return bytes > MAX_BODY ? undefined : Buffer.concat(chunks);
}

const TOO_LARGE = refused(413, 'TooLarge', 'The request is larger than 7 MB.');
