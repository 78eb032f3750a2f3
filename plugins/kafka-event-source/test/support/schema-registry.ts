/** A schema registry over HTTP, with the parts of Confluent's API that the tests need. */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type SchemaType = 'AVRO' | 'PROTOBUF' | 'JSON';

interface Registered {
  readonly id: number;
  readonly subject: string;
  readonly version: number;
  readonly schema: string;
  readonly schemaType: SchemaType;
  readonly references: readonly SchemaReference[];
}

export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** The registry's behaviour: well, an error status, no answer, or the answers of another server. */
export type Mood = 'well' | 'hangs' | 'elsewhere' | 429 | 500;

export interface SchemaRegistryServer extends AsyncDisposable {
  readonly url: string;
  /** The requested paths, in their order. */
  readonly requests: string[];
  mood: Mood;
  add(subject: string, schema: object | string, more?: Partial<Registered>): number;
}

export interface Settings {
  readonly port?: number;
  readonly login?: string;
  readonly tls?: https.ServerOptions;
}

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

export async function startSchemaRegistry({
  port = 0,
  login,
  tls,
}: Settings = {}): Promise<SchemaRegistryServer> {
  const registered: Registered[] = [];
  const requests: string[] = [];
  const expected = login && `Basic ${Buffer.from(login).toString('base64')}`;

  const add: SchemaRegistryServer['add'] = (subject, schema, more = {}) => {
    const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
    const version = registered.filter((one) => one.subject === subject).length + 1;
    const id = registered.length + 1;
    const schemaType = more.schemaType ?? 'AVRO';
    const references = more.references ?? [];
    registered.push({ id, subject, version, schema: text, schemaType, references });
    return id;
  };

  const answer = (method: string, path: string, body: string): [status: number, body: object] => {
    const [, id] = /^\/schemas\/ids\/(\d+)$/.exec(path) ?? [];
    if (method === 'GET' && id) {
      const found = registered.find((one) => one.id === Number(id));
      return found ? [200, withoutSubject(found)] : [404, error(40403, 'Schema not found')];
    }
    const [, subject, version] = /^\/subjects\/([^/]+)\/versions(?:\/(\d+))?$/.exec(path) ?? [];
    const name = decodeURIComponent(subject ?? '');
    if (method === 'GET' && version) {
      const ofSubject = registered.filter((one) => one.subject === name);
      const found = ofSubject.find((one) => one.version === Number(version));
      if (found) return [200, found];
      return [404, ofSubject.length ? error(40402, 'No version') : error(40401, 'No subject')];
    }
    if (method === 'POST' && subject) {
      const { schema, ...more } = JSON.parse(body);
      return [200, { id: add(name, schema, more) }];
    }
    // Confluent's client sets the compatibility of a new subject.
    if (path.startsWith('/config/')) return [200, { compatibilityLevel: 'BACKWARD' }];
    return [404, { error_code: 404, message: 'HTTP 404 Not Found' }];
  };

  const listener: http.RequestListener = async (request, response) => {
    const sent = await text(request);
    const path = (request.url ?? '').split('?')[0] ?? '';
    requests.push(path);
    const { mood } = server;
    if (mood === 'hangs') return;
    if (mood === 'elsewhere') {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>');
      return;
    }
    const isKnown = !expected || request.headers.authorization === expected;
    const [status, body] = !isKnown
      ? [401, error(401, 'Unauthorized')]
      : mood === 'well'
        ? answer(request.method ?? '', path, sent)
        : [mood, error(mood * 100 + 1, 'not now')];
    response.writeHead(status, { 'content-type': CONTENT_TYPE }).end(JSON.stringify(body));
  };

  const listening = tls ? https.createServer(tls, listener) : http.createServer(listener);
  listening.listen(port, 'localhost');
  await once(listening, 'listening');
  const server: SchemaRegistryServer = {
    url: `${tls ? 'https' : 'http'}://localhost:${(listening.address() as AddressInfo).port}`,
    requests,
    mood: 'well',
    add,
    async [Symbol.asyncDispose]() {
      listening.closeAllConnections();
      listening.close();
      await once(listening, 'close');
    },
  };
  return server;
}

function error(error_code: number, message: string) {
  return { error_code, message };
}

// Like the registry, leaves out the type of Avro and an empty list of references.
function withoutSubject({ schema, schemaType, references }: Registered) {
  return {
    schema,
    ...(schemaType !== 'AVRO' && { schemaType }),
    ...(references.length > 0 && { references }),
  };
}
