import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { KafkaConfig } from 'kafkajs';
import * as z from 'zod';
import { afterAwake } from '../awake.ts';
import type { SignIn } from '../config.ts';
import { AppError } from '../errors.ts';
import { traceClient } from '../tracer.ts';

type Security = Pick<KafkaConfig, 'ssl' | 'sasl'>;

const SECRET_TIMEOUT_MS = 2_000;

/** The secrets' fields are those that Lambda reads for the event source mapping. */
// https://docs.aws.amazon.com/lambda/latest/dg/kafka-cluster-auth.html
const scramSecret = z.object({ username: z.string().min(1), password: z.string().min(1) });
const mtlsSecret = z.object({
  certificate: z.string().min(1),
  privateKey: z.string().min(1),
  privateKeyPassword: z.string().optional(),
});

/**
 * The settings of one connection. A secret is read for every new one, so a new password is taken
 * after the first refusal of the old.
 *
 * @throws AppError `KAFKA_AWAY` when the secret cannot be read or lacks a field
 */
export async function securityOf(signIn: SignIn, read = readSecret): Promise<Security> {
  switch (signIn.way) {
    case 'none':
      return {};
    case 'iam':
      return {
        ssl: true,
        sasl: {
          mechanism: 'oauthbearer',
          oauthBearerProvider: () => iamToken(signIn.region),
        },
      };
    case 'scram': {
      const user = parsed(scramSecret, await read(signIn), signIn.secretArn);
      return { ssl: true, sasl: { mechanism: 'scram-sha-512', ...user } };
    }
    case 'mtls': {
      const own = parsed(mtlsSecret, await read(signIn), signIn.secretArn);
      const { certificate: cert, privateKey: key, privateKeyPassword: passphrase } = own;
      return { ssl: { cert, key, ...(passphrase && { passphrase }) } };
    }
  }
}

/** A token signed by AWS's own library with the credentials of the function. */
export async function iamToken(region: string): Promise<{ value: string }> {
  const [{ generateAuthTokenFromCredentialsProvider }, { defaultProvider }] = await Promise.all([
    import('aws-msk-iam-sasl-signer-js'),
    import('@aws-sdk/credential-provider-node'),
  ]);
  const awsCredentialsProvider = defaultProvider();
  const { token } = await generateAuthTokenFromCredentialsProvider({
    region,
    awsCredentialsProvider,
  });
  return { value: token };
}

async function readSecret({ region, secretArn }: { region: string; secretArn: string }) {
  let client: SecretsManagerClient | undefined;
  const limit = new AbortController();
  const end = afterAwake(SECRET_TIMEOUT_MS, () => limit.abort());
  try {
    const secrets = await import('@aws-sdk/client-secrets-manager');
    client = new secrets.SecretsManagerClient({ region, maxAttempts: 2 });
    const command = new secrets.GetSecretValueCommand({ SecretId: secretArn });
    const answer = await traceClient(client).send(command, { abortSignal: limit.signal });
    return answer.SecretString ?? '';
  } catch (error) {
    const reason = `The secret ${secretArn} cannot be read: ${error}.`;
    throw new AppError('KAFKA_AWAY', reason, {}, error);
  } finally {
    end();
    client?.destroy();
  }
}

/** Error messages never repeat the secret: neither its text nor the parser's message. */
function parsed<T>(schema: z.ZodType<T>, text: string, secretArn: string): T {
  const wanted = `The secret ${secretArn} must be a JSON object`;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new AppError('KAFKA_AWAY', `${wanted}; it is not JSON.`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const fields = result.error.issues.map(({ path }) => path.join('.') || 'it').join(', ');
  throw new AppError('KAFKA_AWAY', `${wanted}; missing or wrong: ${fields}.`);
}
