/** A Kafka client for a mapping's servers, with its security and this plugin's copy of kafkajs. */
import type { Kafka } from 'kafkajs';
import type { Log } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { loadClient } from '../protocol/client.ts';
import { createSecretReader } from './secret.ts';
import { type Security, securityOf } from './security.ts';

type Connected = Pick<
  Mapping,
  'name' | 'bootstrapServers' | 'access' | 'connection' | 'endpoints' | 'source'
>;

const LIMITS = {
  connectionTimeout: 3_000,
  requestTimeout: 10_000,
  authenticationTimeout: 10_000,
  retry: { retries: 2, maxRetryTime: 1_000 },
} as const;

/**
 * Reads the secrets and makes a client, which does not connect yet.
 *
 * @param onSecurity called with the TLS and SASL of the client
 * @throws CredentialError if a secret or a certificate cannot be read or used
 */
export async function createClient(
  mapping: Connected,
  log: Pick<Log, 'debug'>,
  onSecurity: (security: Security) => void = () => undefined,
): Promise<Kafka> {
  const { kafkajs } = loadClient();
  const security = await securityOf(mapping, createSecretReader(mapping));
  onSecurity(security);
  return new kafkajs.Kafka({
    clientId: `kafka-event-source-${mapping.name}`,
    brokers: [...mapping.bootstrapServers],
    ...LIMITS,
    ...security,
    logLevel: kafkajs.logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log: { message, error } }) =>
        log.debug(`kafkajs ${namespace}: ${message} ${error ?? ''}`),
  });
}
