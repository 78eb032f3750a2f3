/** A service with Kafka events, as the plugin reads it. */
import type { FunctionDefinition, Service } from '../../template/deployed.ts';

export const kafka = {
  accessConfigurations: { saslScram512Auth: ['arn:aws:secretsmanager:us-east-1:1:secret:x'] },
  bootstrapServers: ['b-1.example.com:9096', 'b-2.example.com:9096'],
  topic: 'orders',
};

const word = (text: string) => text.replace(/[^A-Za-z0-9]/g, '');

/** Makes the service. Its one function is `notify` by default. */
export function kafkaService(events: unknown[], changes: Partial<Service> = {}): Service {
  return {
    service: 'shop',
    stage: 'local',
    region: 'us-east-1',
    folder: import.meta.dirname,
    functions: [kafkaFunction('notify', events)],
    resourcesPath: 'resources.Resources',
    resources: {},
    parameters: {},
    mappings: {},
    conditions: {},
    extensions: {},
    logicalId: (kind, key, topic, cluster) =>
      kind === 'kafka' ? `${key}Kafka${word(topic)}` : `${key}MSK${word(cluster)}${word(topic)}`,
    ...changes,
  };
}

export function kafkaFunction(
  key: string,
  events: unknown[] = [],
  timeoutSeconds = 6,
  others: Partial<FunctionDefinition> = {},
): FunctionDefinition {
  const logicalIds = [`${key}LambdaFunction`, `${key}ProvConcLambdaAlias`];
  const aliasNames = { [`${key}ProvConcLambdaAlias`]: 'provisioned' };
  const name = `shop-local-${key}`;
  return { key, name, logicalIds, aliasNames, timeoutSeconds, events, ...others };
}
