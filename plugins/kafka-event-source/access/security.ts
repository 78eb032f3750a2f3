/** A mapping's TLS and SASL: from its access configurations, or from local settings. */
import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import type { Mapping, Sasl, Ssl } from '../mapping.ts';
import { iamToken } from './iam.ts';
import {
  AUTHORITY,
  CLIENT,
  CredentialError,
  LOGIN,
  parseSecret,
  readText,
  type SecretReader,
} from './secret.ts';

export interface Security {
  /** Absent for plaintext. */
  readonly ssl?: tls.ConnectionOptions;
  readonly sasl?: SASLOptions;
}

type Secured = Pick<Mapping, 'access' | 'connection' | 'endpoints' | 'source'>;

const MECHANISMS = {
  BASIC_AUTH: 'plain',
  SASL_SCRAM_256_AUTH: 'scram-sha-256',
  SASL_SCRAM_512_AUTH: 'scram-sha-512',
} as const;

/** The client's TLS and SASL; plaintext if neither is configured. */
export async function securityOf(mapping: Secured, readSecret: SecretReader): Promise<Security> {
  const { connection, endpoints } = mapping;
  const deployed: Security = connection.useDeployedAccess
    ? await fromAccess(mapping, readSecret)
    : {};
  const ssl = await toSsl(connection.ssl, deployed.ssl);
  const sasl = connection.sasl ? toSasl(connection.sasl, endpoints.region) : deployed.sasl;
  checkCertificates(ssl);
  return { ...(ssl && { ssl }), ...(sasl && { sasl }) };
}

/** The names that Kafka gives to the client's TLS and SASL. */
export function namesOf({ ssl, sasl }: Security) {
  const transport = ssl ? 'SSL' : 'PLAINTEXT';
  const mechanism = sasl?.mechanism.toUpperCase();
  return {
    securityProtocol: sasl ? `SASL_${transport}` : transport,
    // kafkajs has no mechanism for MSK's IAM: it passes IAM's token as an OAUTHBEARER token.
    saslMechanism: mechanism === 'OAUTHBEARER' ? 'AWS_MSK_IAM' : mechanism,
  };
}

async function fromAccess(mapping: Secured, readSecret: SecretReader): Promise<Security> {
  const { access, source, endpoints } = mapping;
  const uriOf = (type: string) => access.find((one) => one.type === type)?.uri;
  const secret = async (uri: string) => ({ uri, text: await readSecret(uri) });
  const authority = uriOf('SERVER_ROOT_CA_CERTIFICATE');
  const client = uriOf('CLIENT_CERTIFICATE_TLS_AUTH');
  const ssl: tls.ConnectionOptions = {};
  if (authority) {
    const found = parseSecret(AUTHORITY, { ...(await secret(authority)), ofCertificate: true });
    ssl.ca = found.certificate;
  }
  if (client) {
    const found = parseSecret(CLIENT, { ...(await secret(client)), ofCertificate: true });
    Object.assign(ssl, { cert: found.certificate, key: found.privateKey });
    if (found.privateKeyPassword) ssl.passphrase = found.privateKeyPassword;
  }
  for (const [type, mechanism] of Object.entries(MECHANISMS)) {
    const uri = uriOf(type);
    // AWS: each of the mechanisms needs TLS.
    // https://docs.aws.amazon.com/lambda/latest/dg/kafka-cluster-auth.html
    if (uri) {
      const login = parseSecret(LOGIN, { ...(await secret(uri)), ofCertificate: false });
      return { ssl, sasl: { mechanism, ...login } as SASLOptions };
    }
  }
  // AWS: without a secret, MSK is accessed by IAM if the cluster has it on.
  // https://docs.aws.amazon.com/lambda/latest/dg/msk-cluster-auth.html
  if (source.eventSource === 'aws:kafka' && !client) {
    return { ssl, sasl: toSasl({ mechanism: 'aws-msk-iam' }, endpoints.region) };
  }
  return authority || client ? { ssl } : {};
}

/** Merges the local settings into the deployed ones. */
async function toSsl(local: boolean | Ssl | undefined, deployed: Security['ssl']) {
  if (local === undefined) return deployed;
  if (local === false) return undefined;
  if (local === true) return { ...deployed };
  const { ca, certificate, privateKey, privateKeyPassword, rejectUnauthorized } = local;
  return {
    ...deployed,
    ...(ca && { ca: await readText(ca, 'ssl.ca') }),
    ...(certificate && { cert: await readText(certificate, 'ssl.certificate') }),
    ...(privateKey && { key: await readText(privateKey, 'ssl.privateKey') }),
    ...(privateKeyPassword && { passphrase: privateKeyPassword }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
  };
}

function toSasl(sasl: Sasl, region: string): SASLOptions {
  if (sasl.mechanism !== 'aws-msk-iam') return { ...sasl };
  const oauthBearerProvider = () => iamToken(sasl.region ?? region);
  return { mechanism: 'oauthbearer', oauthBearerProvider };
}

/** Checks the certificates once and names the wrong one; TLS would refuse it at each connection. */
function checkCertificates(ssl: tls.ConnectionOptions | undefined): void {
  if (!ssl) return;
  const { ca, cert, key, passphrase } = ssl;
  const fault = (what: string, cause: unknown) =>
    new CredentialError(`${what} cannot be used: ${(cause as Error).message}`, {
      ofCertificate: true,
      cause,
    });
  try {
    // A context accepts an authority that is not a certificate, and then trusts nobody.
    if (typeof ca === 'string') new X509Certificate(ca);
  } catch (cause) {
    throw fault('the CA certificate', cause);
  }
  try {
    tls.createSecureContext({ cert, key, passphrase });
  } catch (cause) {
    throw fault('the client certificate or its private key', cause);
  }
}
