/** AWS's messages for a mapping that cannot poll, as in its LastProcessingResult. */
import { CredentialError } from './secret.ts';

// AWS: https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-troubleshoot.html
export const RESULTS = {
  none: 'No records processed',
  ok: 'OK',
  notAuthorized: 'Cluster failed to authorize Lambda',
  sasl: 'SASL authentication failed',
  refused: 'Server failed to authenticate Lambda',
  distrusted: 'Lambda failed to authenticate server',
  certificate: 'Provided certificate or private key is invalid',
  connection:
    'PROBLEM: Connection error. Please check your event source connection configuration. If your ' +
    'event source lives in a VPC, try setting up a new Lambda function or EC2 instance with the ' +
    'same VPC, Subnet, and Security Group settings. Connect the new device to the Kafka cluster ' +
    'and consume messages to ensure that the issue is not related to VPC or Endpoint ' +
    'configuration.',
} as const;

export type Result = (typeof RESULTS)[keyof typeof RESULTS];

const DISTRUST =
  /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH|INVALID_CA)/;
const REFUSAL = /^ERR_SSL_.*ALERT_|^EPROTO$/;
const NETWORK = /^(E[A-Z]+|ERR_SSL_.*|ERR_SOCKET_.*)$/;

/** AWS's message for the error; undefined if AWS has none. */
export function resultOf(error: unknown): Result | undefined {
  for (const one of causes(error)) {
    const found = classify(one);
    if (found) return found;
  }
  return undefined;
}

function classify(error: Link): Result | undefined {
  const { name = '', type = '', code } = error;
  if (error instanceof CredentialError) {
    return error.ofCertificate ? RESULTS.certificate : RESULTS.sasl;
  }
  if (name === 'KafkaJSSASLAuthenticationError') return RESULTS.sasl;
  if (type.endsWith('AUTHORIZATION_FAILED')) return RESULTS.notAuthorized;
  if (type === 'SASL_AUTHENTICATION_FAILED') return RESULTS.sasl;
  if (typeof code === 'string') {
    if (DISTRUST.test(code)) return RESULTS.distrusted;
    if (REFUSAL.test(code)) return RESULTS.refused;
    if (NETWORK.test(code)) return RESULTS.connection;
  }
  return name.startsWith('KafkaJSConnection') || name === 'KafkaJSRequestTimeoutError'
    ? RESULTS.connection
    : undefined;
}

interface Link {
  readonly name?: string;
  readonly type?: string;
  readonly code?: unknown;
}

/** The error and its causes; the first cause comes first. */
function causes(error: unknown): Link[] {
  const chain: Link[] = [];
  for (let one = error; typeof one === 'object' && one !== null && !chain.includes(one); ) {
    chain.unshift(one);
    const { cause, originalError } = one as { cause?: unknown; originalError?: unknown };
    one = cause ?? originalError;
  }
  return chain;
}
