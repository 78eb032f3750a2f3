/** Writes the properties that the framework lacks into the compiled template. */
import { isObject, type Json } from '../json.ts';
import { type FoundEvent, findEvents, ownProperties } from './compile.ts';
import { logicalIdOf, MAPPING_TYPE, type Service } from './deployed.ts';
import { merge } from './merge.ts';

/** Changes the resources in place. The framework merges the user's own `resources` into them later. */
export function writeProperties(service: Service, template: unknown): void {
  if (!isObject(template) || !isObject(template.Resources)) return;
  const resources = template.Resources;
  const written = new Map<string, FoundEvent>();
  for (const { key, logicalIds, events } of service.functions) {
    for (const found of findEvents(events)) {
      const logicalId = findResource(service, resources, { key, logicalIds, found });
      // If two events have one logical id, the framework keeps the last.
      if (logicalId !== undefined) written.set(logicalId, found);
    }
  }
  for (const [logicalId, found] of written) {
    const resource = resources[logicalId] as { Properties: unknown };
    resource.Properties = merge(resource.Properties, ownProperties(found));
  }
}

interface Written {
  readonly key: string;
  readonly logicalIds: readonly string[];
  readonly found: FoundEvent;
}

// Serverless Framework v4 changes the logical id of each event on a topic but the last one.
function findResource(
  service: Service,
  resources: Json,
  { key, logicalIds, found: { kind, event } }: Written,
): string | undefined {
  const isOfEvent = (resource: unknown): boolean => {
    if (!isObject(resource) || resource.Type !== MAPPING_TYPE || !isObject(resource.Properties))
      return false;
    const { FunctionName, Topics, EventSourceArn, SelfManagedEventSource, ...others } =
      resource.Properties;
    const source =
      kind === 'msk'
        ? same(EventSourceArn, event.arn)
        : same(SelfManagedEventSource, {
            Endpoints: { KafkaBootstrapServers: [event.bootstrapServers].flat() },
          });
    const config =
      kind === 'msk'
        ? others.AmazonManagedKafkaEventSourceConfig
        : others.SelfManagedKafkaEventSourceConfig;
    const group = isObject(config) ? config.ConsumerGroupId : undefined;
    return (
      source &&
      same(Topics, [event.topic]) &&
      same(group, event.consumerGroupId || undefined) &&
      JSON.stringify(FunctionName).includes(`"${logicalIds[0]}"`)
    );
  };
  const usual = logicalIdOf(service, key, kind, event);
  if (isOfEvent(resources[usual])) return usual;
  return Object.keys(resources).find((id) => isOfEvent(resources[id]));
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
