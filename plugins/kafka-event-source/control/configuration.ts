/** A mapping in the form of AWS's API, `EventSourceMappingConfiguration`. */
import { RESULTS } from '../access/result.ts';
import { type Json, without } from '../json.ts';
import { type Mapping, mappingArn } from '../mapping.ts';
import { writeSettings } from '../settings/settings.ts';
import type { Deployed } from '../template/deployed.ts';
import type { View } from './runtime.ts';

/** The API's answer about a mapping: https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html */
export function configurationOf({ mapping, state, stats, modified }: View): Json {
  const isMsk = mapping.source.eventSource === 'aws:kafka';
  return {
    UUID: mapping.uuid,
    EventSourceMappingArn: mappingArn(mapping),
    FunctionArn: mapping.functionArn,
    // The API names the servers otherwise, and has a state in place of Enabled.
    ...without(propertiesOf(mapping), 'SelfManagedEventSource', 'Enabled'),
    ...(!isMsk && {
      SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: mapping.bootstrapServers } },
    }),
    // AWS: seconds, with a fraction.
    LastModified: modified / 1000,
    LastProcessingResult: stats?.lastResult ?? RESULTS.none,
    State: state,
    StateTransitionReason: 'USER_INITIATED',
  };
}

/** The mapping's properties as in a template, with the servers that are polled here. */
export function propertiesOf(mapping: Mapping): Json {
  const { source, schemaRegistry: registry } = mapping;
  const isMsk = source.eventSource === 'aws:kafka';
  const config = {
    ConsumerGroupId: mapping.groupId,
    ...(registry && {
      SchemaRegistryConfig: {
        SchemaRegistryURI: registry.uri,
        EventRecordFormat: registry.eventRecordFormat,
        AccessConfigs: registry.access.map(({ type, uri }) => ({ Type: type, URI: uri })),
        SchemaValidationConfigs: registry.attributes.map((Attribute) => ({ Attribute })),
      },
    }),
  };
  return {
    ...(isMsk
      ? { EventSourceArn: source.eventSourceArn, AmazonManagedKafkaEventSourceConfig: config }
      : {
          SelfManagedEventSource: {
            Endpoints: { KafkaBootstrapServers: mapping.bootstrapServers },
          },
          SelfManagedKafkaEventSourceConfig: config,
        }),
    SourceAccessConfigurations: mapping.access.map(({ type, uri }) => ({ Type: type, URI: uri })),
    Topics: [mapping.topic],
    ...writeSettings(mapping),
  };
}

/** The mapping with other properties, in the form that the rules of `admit` check. */
export function deployedWith(mapping: Mapping, properties: Json): Deployed {
  const { functionKey: key, functionName: name, logicalId, timeoutMs, endpoints } = mapping;
  return {
    logicalId,
    where: logicalId,
    kind: mapping.source.eventSource === 'aws:kafka' ? 'msk' : 'kafka',
    region: endpoints.region,
    fn: { key, name, logicalIds: [], timeoutSeconds: timeoutMs / 1000, events: [] },
    features: { hasTenantIsolation: false, isManaged: mapping.isManaged === true },
    functionName: name,
    qualifier: undefined,
    properties,
    condition: undefined,
    warnings: [],
  };
}
