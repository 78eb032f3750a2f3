/** The address of a mapping's schema registry, with its login and TLS. */
import type { z } from 'zod';
import { AUTHORITY, CLIENT, LOGIN, parseSecret, type SecretReader } from '../access/secret.ts';
import type { Mapping, SchemaRegistry } from '../mapping.ts';
import type { RegistryAccess } from './registry.ts';

/** The deployed registry with its access configurations, or the local one without any. */
export async function registryAccess(
  registry: SchemaRegistry,
  { schemaRegistry: local }: Pick<Mapping['endpoints'], 'schemaRegistry'>,
  readSecret: SecretReader,
): Promise<RegistryAccess> {
  const url = new URL(local ?? registry.uri);
  const inUrl = loginOf(url);
  url.username = '';
  url.password = '';
  if (local !== undefined) return { url, ...(inUrl && { login: inUrl }) };
  const login = await secretOf(registry, ['BASIC_AUTH'], LOGIN, readSecret);
  const client = await secretOf(registry, ['CLIENT_CERTIFICATE_TLS_AUTH'], CLIENT, readSecret);
  // AWS: its page has the short name, its service model the long one.
  // https://docs.aws.amazon.com/lambda/latest/dg/services-consume-kafka-events.html
  const names = ['SERVER_ROOT_CA_CERTIFICATE', 'SERVER_ROOT_CA_CERT'];
  const authority = await secretOf(registry, names, AUTHORITY, readSecret);
  return {
    url,
    ...((login ?? inUrl) && { login: login ?? inUrl }),
    tls: {
      ...(authority && { ca: authority.certificate }),
      ...(client && { cert: client.certificate, key: client.privateKey }),
      ...(client?.privateKeyPassword && { passphrase: client.privateKeyPassword }),
    },
  };
}

function loginOf({ username, password }: URL): RegistryAccess['login'] {
  if (!username) return undefined;
  return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
}

async function secretOf<T extends z.ZodType>(
  { access }: SchemaRegistry,
  types: readonly string[],
  schema: T,
  readSecret: SecretReader,
): Promise<z.output<T> | undefined> {
  const uri = access.find(({ type }) => types.includes(type))?.uri;
  if (uri === undefined) return undefined;
  return parseSecret(schema, { uri, text: await readSecret(uri), ofCertificate: false });
}
