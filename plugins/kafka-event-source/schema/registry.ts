/** Reads schemas and their references from a registry with Confluent's API. */
import http from 'node:http';
import https from 'node:https';
import type tls from 'node:tls';
import { z } from 'zod';
import type { DataFormat, Reference, Schema } from './format.ts';

/** The registry does not have the schema. */
export class SchemaNotFound extends Error {
  override readonly name = 'SchemaNotFound';
}

/** The registry cannot be asked now; `result` is AWS's message for the reason. */
export class RegistryAway extends Error {
  override readonly name = 'RegistryAway';
  readonly result: string;

  constructor(result: string, reason: string, cause?: unknown) {
    super(reason, { cause });
    this.result = result;
  }
}

export interface RegistryAccess {
  readonly url: URL;
  readonly login?: { readonly username: string; readonly password: string };
  readonly tls?: tls.SecureContextOptions;
}

export interface Registry {
  /** Reads the schema with this id. @throws SchemaNotFound, RegistryAway */
  find(id: number): Promise<Schema>;
  close(): void;
}

/** AWS's messages: https://docs.aws.amazon.com/lambda/latest/dg/services-consume-kafka-events.html */
export const RESULTS = {
  denied: 'Cannot access Confluent Schema with the provided access configuration.',
  connection:
    "Cannot connect to your Schema Registry. Your Kafka cluster's VPC must be able to connect to the " +
    'schema registry. You can provide access by configuring AWS PrivateLink or a NAT Gateway or VPC ' +
    'Peering between Kafka Cluster VPC and the schema registry VPC.',
  tls:
    'Unable to establish TLS handshake with the schema registry. Please provide correct CA-certificate ' +
    'or client certificate using Secrets Manager to access your schema registry.',
  throttled:
    'Receiving throttling errors when accessing the schema registry. Please increase API TPS limits ' +
    'for your schema registry.',
  error:
    'Lambda received an internal server an unexpected error from the provided self-managed schema ' +
    'registry.',
} as const;

const LIMIT_MS = 5_000;
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_REFERENCES = 500;
const ACCEPT = 'application/vnd.schemaregistry.v1+json, application/json';

const answerSchema = z.object({
  schema: z.string(),
  // The registry leaves it out for Avro.
  schemaType: z.enum(['AVRO', 'PROTOBUF', 'JSON']).default('AVRO'),
  references: z
    .array(z.object({ name: z.string(), subject: z.string(), version: z.number() }))
    .default([]),
});
const errorSchema = z.object({ error_code: z.number(), message: z.string().default('') });

type Answer = z.output<typeof answerSchema>;

/** https://docs.confluent.io/platform/current/schema-registry/develop/api.html */
export function createRegistry(access: RegistryAccess): Registry {
  const get = createGet(access);

  const referencesOf = async (answer: Answer) => {
    const found: Reference[] = [];
    const visited = new Set<string>();
    const visit = async (one: Answer): Promise<void> => {
      for (const { name, subject, version } of one.references) {
        // Two schemas may name one file in different versions: a schema can have it once. As in
        // Confluent's own client, the first version that is met counts.
        if (visited.has(name)) continue;
        visited.add(name);
        if (visited.size > MAX_REFERENCES)
          throw new Error(`more than ${MAX_REFERENCES} references`);
        const path = `subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`;
        const other = await get(path);
        await visit(other);
        found.push({ name, text: other.schema });
      }
    };
    await visit(answer);
    return found;
  };

  return {
    find: async (id) => {
      const answer = await get(`schemas/ids/${id}`);
      const format: DataFormat = answer.schemaType;
      return { format, text: answer.schema, references: await referencesOf(answer) };
    },
    close: () => get.agent.destroy(),
  };
}

function createGet({ url, login, tls: secure }: RegistryAccess) {
  const client = url.protocol === 'https:' ? https : http;
  const agent = new client.Agent({ keepAlive: true, maxSockets: 4, ...secure });
  const base = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`;
  const auth = login && `${login.username}:${login.password}`;
  const get = async (path: string): Promise<Answer> => {
    const target = new URL(`${base}${path}`, url);
    const options = { agent, headers: { accept: ACCEPT }, ...(auth && { auth }) };
    return toAnswer(target, await request(client, target, options));
  };
  return Object.assign(get, { agent });
}

interface Received {
  readonly status: number;
  readonly body: string;
}

function request(
  client: typeof http | typeof https,
  target: URL,
  options: https.RequestOptions,
): Promise<Received> {
  return new Promise<Received>((resolve, reject) => {
    const sent = client.get(target, options, (response) => {
      read(response).then(resolve, reject);
    });
    const timer = setTimeout(
      () => sent.destroy(new Error(`no answer within ${LIMIT_MS} ms`)),
      LIMIT_MS,
    );
    sent.on('close', () => clearTimeout(timer));
    sent.on('error', reject);
  }).catch((cause: NodeJS.ErrnoException) => {
    const isTls = /^(ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|CERT_|EPROTO)/.test(
      cause.code ?? '',
    );
    const reason = `${where(target)}: ${cause.message || cause.code}`;
    throw new RegistryAway(isTls ? RESULTS.tls : RESULTS.connection, reason, cause);
  });
}

async function read(response: http.IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BYTES) throw new Error(`an answer of more than ${MAX_BYTES} bytes`);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
}

function toAnswer(target: URL, { status, body }: Received): Answer {
  if (status === 200) {
    const result = answerSchema.safeParse(parse(body));
    if (result.success) return result.data;
    throw new RegistryAway(RESULTS.error, `${where(target)} does not answer as a schema registry`);
  }
  const error = errorSchema.safeParse(parse(body));
  const reason = `${where(target)}: status ${status}${error.success ? `: ${error.data.message}` : ''}`;
  // A 404 of another server does not mean that the schema is missing; no record is given up for it.
  if (status === 404 && error.success && NOT_FOUND.has(error.data.error_code)) {
    throw new SchemaNotFound(reason);
  }
  const isDenied = status === 401 || status === 403;
  const result = isDenied ? RESULTS.denied : status === 429 ? RESULTS.throttled : RESULTS.error;
  throw new RegistryAway(result, reason);
}

/** The registry's codes for a missing subject, version or schema. */
const NOT_FOUND: ReadonlySet<number> = new Set([40401, 40402, 40403]);

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** The address without the login that it may contain. */
function where({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}
