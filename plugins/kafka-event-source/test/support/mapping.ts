import { shape } from '../../admission/shape.ts';
import type { Mapping } from '../../mapping.ts';
import { readSettings } from '../../settings/settings.ts';

/** A mapping of a topic on these servers, with AWS's defaults but a window of 0. */
export function mappingOf(
  topic: string,
  bootstrapServers: readonly string[],
  changes: Partial<Mapping> = {},
): Mapping {
  return {
    ...readSettings(shape.parse({ Topics: [topic] })),
    name: 'test',
    logicalId: 'TestEventSourceMappingKafka',
    uuid: '00000000-0000-4000-8000-000000000000',
    functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:service-dev-test',
    functionKey: 'test',
    functionName: 'service-dev-test',
    timeoutMs: 6_000,
    source: { eventSource: 'SelfManagedKafka', bootstrapServers: bootstrapServers.join(',') },
    topic,
    bootstrapServers,
    groupId: 'test',
    windowMs: 0,
    dropWhenDestinationFails: false,
    access: [],
    connection: { useDeployedAccess: false, secrets: {} },
    endpoints: { region: 'us-east-1' },
    ...changes,
  };
}
