/** The contents of the secrets that a mapping's access configurations name. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Mapping } from '../mapping.ts';
import { words } from '../words.ts';
import { endpointOptions } from './endpoint.ts';

/** An error in reading or using credentials. Its message never quotes them. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
  /** Whether a certificate or key is at fault; AWS has a message of its own for that. */
  readonly ofCertificate: boolean;

  constructor(message: string, { ofCertificate = false, cause }: Partial<Fault> = {}) {
    super(message, { cause });
    this.ofCertificate = ofCertificate;
  }
}

interface Fault {
  readonly ofCertificate: boolean;
  readonly cause: unknown;
}

export type SecretReader = (uri: string) => Promise<string>;

// AWS: the members of each kind of secret.
// https://docs.aws.amazon.com/lambda/latest/dg/kafka-cluster-auth.html
export const LOGIN = z.object({ username: z.string().min(1), password: z.string().min(1) });
export const AUTHORITY = z.object({ certificate: z.string().min(1) });
export const CLIENT = z.object({
  certificate: z.string().min(1),
  privateKey: z.string().min(1),
  privateKeyPassword: z.string().optional(),
});

const LIMIT_MS = 10_000;
const HTTP = { connectionTimeout: 3_000, requestTimeout: 5_000 };

/** Reads a secret from the file or variable that is set for it, else from Secrets Manager. */
export function createSecretReader(options: ReadOptions): SecretReader {
  return async (uri) => {
    const local = options.connection.secrets[uri];
    if (!local) return fromSecretsManager(uri, options);
    return 'file' in local ? readText(local.file, `secret ${uri}`) : variable(uri, local);
  };
}

/** The servers that the secrets are for; none for the secrets of a schema registry. */
type ReadOptions = Pick<Mapping, 'connection' | 'endpoints'> &
  Partial<Pick<Mapping, 'bootstrapServers'>>;

/** Reads a text file with credentials. `what` names its content in an error. */
export async function readText(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CredentialError(
      `${what}: ${file} cannot be read (${code}). Name a file that this process can read.`,
      {
        cause,
      },
    );
  }
}

function variable(uri: string, { environment }: { readonly environment: string }): string {
  const value = process.env[environment];
  if (value) return value;
  throw new CredentialError(
    `secret ${uri}: the environment has no ${environment}. Set it to the secret's JSON.`,
  );
}

async function fromSecretsManager(
  uri: string,
  { bootstrapServers, endpoints }: ReadOptions,
): Promise<string> {
  const advice = adviceFor(bootstrapServers);
  const { SecretsManagerClient, GetSecretValueCommand } = await loadSdk(uri, advice);
  const { region, secretsManager: endpoint } = endpoints;
  const client = new SecretsManagerClient({
    region,
    maxAttempts: 2,
    requestHandler: HTTP,
    ...endpointOptions(endpoint),
  });
  try {
    const command = new GetSecretValueCommand({ SecretId: uri });
    const answer = await client.send(command, { abortSignal: AbortSignal.timeout(LIMIT_MS) });
    return answer.SecretString ?? Buffer.from(answer.SecretBinary ?? []).toString('utf8');
  } catch (cause) {
    const { name, message } = cause as Error;
    throw new CredentialError(
      `secret ${uri}: Secrets Manager${endpoint ? ` at ${endpoint}` : ''} does not return it: ` +
        `${name}: ${message}. Create it there. ${advice}`,
      { cause },
    );
  } finally {
    client.destroy();
  }
}

/** Advice on connecting without the deployed secret. */
function adviceFor(servers: readonly string[] = []): string {
  const other = `set a file or a variable for it under ${words().setting('secrets')}.`;
  const isLocal = (server: string) => /^(localhost|127\.[\d.]+|\[::1\]):/.test(server);
  return servers.length > 0 && servers.every(isLocal)
    ? `The deployed servers are on this machine: to connect without the secret, set ` +
        `${words().setting('bootstrapServers')} to ${servers.join(',')}. Or ${other}`
    : `Or ${other}`;
}

async function loadSdk(uri: string, advice: string) {
  try {
    return await import('@aws-sdk/client-secrets-manager');
  } catch (cause) {
    throw new CredentialError(
      `secret ${uri}: reading it needs @aws-sdk/client-secrets-manager. Install it. ${advice}`,
      { cause },
    );
  }
}

/** Reads a secret's JSON. The error names the missing members and quotes no value. */
export function parseSecret<T extends z.ZodType>(
  schema: T,
  { uri, text, ofCertificate }: { uri: string; text: string; ofCertificate: boolean },
): z.output<T> {
  const fault = (why: string) => new CredentialError(`secret ${uri}: ${why}`, { ofCertificate });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw fault('it is not JSON. Store it as a JSON object.');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const members = [...new Set(result.error.issues.map(({ path }) => path.join('.') || 'object'))];
  throw fault(`its JSON needs ${members.join(' and ')} as text that is not empty.`);
}
