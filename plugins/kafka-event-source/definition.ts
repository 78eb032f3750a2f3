/** The Kafka mappings of a service: as they are deployed, and as they run here. */
import { clusterFault, isClusterArn, localClusterName } from './admission/cluster.ts';
import { type Accepted, refuseDuplicate, warnOfGroup } from './admission/duplicates.ts';
import { filterWarnings } from './admission/filters.ts';
import { functionWarnings, qualifierWarnings, runtimeWarnings } from './admission/functions.ts';
import { accountAdvice, cannotRun, paraphrased, type Refusal } from './admission/refusal.ts';
import { admit } from './admission/refusals.ts';
import { OAUTH } from './admission/registry.ts';
import { clusterConfig, registryOf, type Shape, serversOf } from './admission/shape.ts';
import { isByToken } from './admission/tokens.ts';
import { warningsOf } from './admission/warnings.ts';
import type { EventSource } from './event.ts';
import { asText, toObject } from './json.ts';
import { callbackErrorOf } from './lambda/handler.ts';
import type { Access, Connection, Mapping, SchemaRegistry } from './mapping.ts';
import {
  ConfigurationError,
  isServer,
  type LocalOptions,
  localOptions,
  type Options,
} from './options.ts';
import { type ParityRow, parityOf } from './parity.ts';
import { readSettings, type SettingValues } from './settings/settings.ts';
import { type Deployed, readDeployed, type Service, type Template } from './template/deployed.ts';
import { ACCOUNT, functionArn, isIntrinsic } from './template/intrinsic.ts';
import { stableUuid } from './template/uuid.ts';
import { words } from './words.ts';

/** One mapping of the service: refused, or as it runs here. */
export interface Definition {
  readonly name: string;
  /** Undefined if the mapping calls a function of another service. */
  readonly functionKey: string | undefined;
  readonly logicalId: string;
  /** The mapping's place in its file, such as `functions.notify.events.kafka`. */
  readonly where: string;
  /** Undefined if the mapping is refused. */
  readonly mapping: Mapping | undefined;
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly string[];
  readonly parity: readonly ParityRow[];
}

export interface Definitions extends Pick<Template, 'warnings' | 'notDeployed'> {
  readonly definitions: readonly Definition[];
}

/** A service with its mappings and the settings for this machine. */
export interface Loaded {
  readonly service: Service;
  readonly definitions: Definitions;
  readonly options: Options;
}

/** Reads each Kafka mapping of the service, and applies the settings for this machine. */
export function readDefinitions(
  service: Service,
  options: Options,
  now: number = Date.now(),
): Definitions {
  const { deployed, warnings, notDeployed } = readDeployed(service, options);
  refuseUnknownMappings(deployed, options);
  const accepted: Accepted[] = [];
  const definitions = deployed.map((one) => {
    const definition = readDefinition(one, service, options, now, accepted);
    if (definition.mapping) accepted.push(acceptedOf(definition.mapping, one));
    return definition;
  });
  return { definitions, warnings, notDeployed };
}

/** The mappings that are not refused. */
export function mappingsOf({ definitions }: Definitions): Mapping[] {
  return definitions.flatMap(({ mapping }) => mapping ?? []);
}

function readDefinition(
  deployed: Deployed,
  service: Service,
  options: Options,
  now: number,
  accepted: readonly Accepted[],
): Definition {
  const { shape, refusals } = admit(deployed, now);
  const { logicalId, where } = deployed;
  const topic = topicOf(deployed);
  const functionKey = deployed.fn?.key;
  const name = `${functionKey ?? logicalId} (${topic})`;
  const warnings = [
    ...deployed.warnings,
    ...(shape ? [...warningsOf(shape, deployed), ...filterWarnings(shape)] : []),
    ...functionWarnings(deployed, service.folder),
  ];
  const refused = (found: readonly Refusal[]): Definition => ({
    name,
    functionKey,
    logicalId,
    where,
    mapping: undefined,
    refusals: found,
    warnings,
    parity: [],
  });
  if (refusals.length > 0 || !shape || !deployed.fn) return refused(refusals);
  const local = localOptions(options, deployed.fn.key, topic);
  const misnamed = clusterFault(deployed, shape);
  if (misnamed !== undefined && local.bootstrapServers) {
    warnings.push(
      `AWS refuses it: ${misnamed} The mapping runs here, with a made-up ARN in its events.`,
    );
  } else if (misnamed !== undefined) return refused([paraphrased(misnamed)]);
  warnings.push(
    ...runtimeWarnings(deployed, local.lambdaEndpoint),
    ...qualifierWarnings(deployed, local.lambdaEndpoint),
    ...destinationWarnings(deployed, shape, local),
  );
  const unknown = [
    ...refuseUnknown(deployed, shape, local),
    ...refuseUnknownRegistry(shape, options),
  ];
  if (unknown.length > 0) return refused(unknown);
  const mapping = toMapping({ deployed, fn: deployed.fn, shape, service, options, local });
  const one = acceptedOf(mapping, deployed);
  const doubled = refuseDuplicate(one, accepted);
  if (doubled.length > 0) return refused(doubled);
  warnings.push(...warnOfGroup(one, accepted));
  const parity = parityOf({ deployed, shape, mapping });
  return { name, functionKey, logicalId, where, mapping, refusals: [], warnings, parity };
}

interface Sources {
  readonly deployed: Deployed;
  readonly fn: NonNullable<Deployed['fn']>;
  readonly shape: Shape;
  readonly service: Service;
  readonly options: Options;
  readonly local: LocalOptions;
}

function toMapping({ deployed, fn, shape, service, options, local }: Sources): Mapping {
  const { logicalId, kind, features, qualifier } = deployed;
  const [topic = ''] = shape.Topics;
  const uuid = stableUuid([service.service, service.stage, logicalId, topic]);
  const bootstrapServers = local.bootstrapServers ?? (serversOf(shape) as string[]);
  const registry = registryOf(shape);
  const callbackError = callbackErrorOf({ ...fn, ...features });
  const { timeoutSeconds: executionSeconds } = features.durable ?? {};
  return {
    name: `${fn.key} (${topic})`,
    logicalId,
    uuid,
    functionKey: fn.key,
    functionName: fn.name,
    ...(typeof qualifier === 'string' && { qualifier }),
    functionArn: functionArn(fn.name, service),
    timeoutMs: fn.timeoutSeconds * 1000,
    ...(executionSeconds !== undefined && { executionMs: executionSeconds * 1000 }),
    ...(callbackError !== undefined && { callbackError }),
    ...(options.limits !== 'none' && { limits: options.limits }),
    ...(features.isManaged && { isManaged: true }),
    ...(fn.reservedConcurrency !== undefined && { reservedConcurrency: fn.reservedConcurrency }),
    source: toSource(kind, shape.EventSourceArn, bootstrapServers, service.region),
    topic,
    bootstrapServers,
    // AWS: a mapping without a consumer group ID uses its UUID.
    groupId: local.consumerGroupId ?? clusterConfig(shape).ConsumerGroupId ?? uuid,
    ...readSettings(withLocal(shape, local)),
    dropWhenDestinationFails: options.dropWhenDestinationFails,
    ...(registry && { schemaRegistry: toRegistry(registry) }),
    access: toAccess(shape.SourceAccessConfigurations),
    connection: toConnection(local, options),
    ...(local.lambdaEndpoint !== undefined && { lambdaEndpoint: local.lambdaEndpoint }),
    endpoints: { ...options.endpoints, region: options.endpoints.region ?? service.region },
  };
}

// As on AWS, the event has the addresses of the cluster that the records come from: here the local one.
function toSource(
  kind: Deployed['kind'],
  arn: unknown,
  servers: readonly string[],
  region: string,
): EventSource {
  const bootstrapServers = servers.join(',');
  if (kind === 'kafka') return { eventSource: 'SelfManagedKafka', bootstrapServers };
  const madeUp = () =>
    `arn:aws:kafka:${region}:${ACCOUNT}:cluster/${localClusterName(arn)}/${stableUuid([JSON.stringify(arn)])}-1`;
  const eventSourceArn = isClusterArn(arn) ? arn : madeUp();
  return { eventSource: 'aws:kafka', eventSourceArn, bootstrapServers };
}

/** The settings, with this machine's own values in place of the deployed ones. */
function withLocal(shape: Shape, local: LocalOptions): SettingValues {
  const { enabled: Enabled = shape.Enabled, onFailureDestination: to } = local;
  const DestinationConfig =
    to === undefined ? shape.DestinationConfig : { OnFailure: { Destination: to } };
  return { ...shape, Enabled, DestinationConfig };
}

function toRegistry(registry: NonNullable<ReturnType<typeof registryOf>>): SchemaRegistry {
  const { SchemaRegistryURI: uri, EventRecordFormat, AccessConfigs = [] } = registry;
  return {
    uri: asText(uri),
    eventRecordFormat: EventRecordFormat as SchemaRegistry['eventRecordFormat'],
    access: toAccess(AccessConfigs),
    attributes: (registry.SchemaValidationConfigs ?? []).map(({ Attribute }) => Attribute),
  };
}

function toAccess(access: Shape['SourceAccessConfigurations']): Access[] {
  return access.map(({ Type, URI = '' }) => ({ type: Type, uri: asText(URI) }));
}

function toConnection(local: LocalOptions, { secrets }: Options): Connection {
  const { ssl, sasl } = local;
  return {
    useDeployedAccess: usesDeployedAccess(local),
    ...(ssl !== undefined && { ssl }),
    ...(sasl && { sasl }),
    secrets,
  };
}

function usesDeployedAccess({ useDeployedAccess, ...own }: LocalOptions): boolean {
  const isOwn = [own.bootstrapServers, own.ssl, own.sasl].some((one) => one !== undefined);
  return useDeployedAccess ?? !isOwn;
}

/** A warning for a destination that has a local ARN, because only AWS knows its own. */
function destinationWarnings(
  { madeDestination, fn }: Deployed,
  { DestinationConfig: { OnFailure: failure } }: Shape,
  { onFailureDestination }: LocalOptions,
): string[] {
  if (madeDestination === undefined || onFailureDestination !== undefined) return [];
  return [
    `Only AWS knows the ARN of ${madeDestination}: here it is ${failure?.Destination}. Set ` +
      `${words().setting(`mappings.${fn?.key}.onFailureDestination`)} to another ARN, or to ` +
      "kafka://topic, or to '' for none.",
  ];
}

/** Refuses values that only AWS knows and that no local setting replaces. */
function refuseUnknown(deployed: Deployed, shape: Shape, local: LocalOptions): Refusal[] {
  const { kind, fn, properties } = deployed;
  const found: Refusal[] = [];
  const { setting } = words();
  const own = (name: string) => setting(`mappings.${fn?.key}.${name}`);
  const servers = local.bootstrapServers ?? serversOf(shape);
  if (!servers?.every((one) => typeof one === 'string')) {
    const { SelfManagedEventSource: source, EventSourceArn: arn } = properties;
    const clusterless =
      arn === undefined
        ? 'The mapping has neither a cluster (EventSourceArn) nor servers (SelfManagedEventSource)'
        : 'An MSK cluster names no servers';
    const why = kind === 'msk' ? clusterless : 'Only AWS knows the servers of the mapping';
    const advice = `${words().localBroker(fn?.key ?? '')}${accountAdvice(source)}`;
    found.push(cannotRun(`${why}. ${advice}`));
  } else if (!servers.every(isServer)) {
    const wrong = servers.filter((one) => !isServer(one)).map((one) => JSON.stringify(one));
    found.push(
      cannotRun(
        `No broker has the address ${wrong.join(', ')}: write host:port, with a port from 1 to 65535. ` +
          words().localBroker(fn?.key ?? ''),
      ),
    );
  }
  const tokens = shape.SourceAccessConfigurations.map(({ Type }) => Type).filter(isByToken);
  if (tokens.length > 0 && usesDeployedAccess(local)) {
    found.push(
      cannotRun(
        `The mapping signs in by ${tokens.join(', ')}, which this emulator cannot. ` +
          words().localBroker(fn?.key ?? ''),
      ),
    );
  }
  const { SourceAccessConfigurations: access } = properties;
  if (isIntrinsic(access) && usesDeployedAccess(local)) {
    found.push(
      cannotRun(
        `Only AWS knows its access configurations ${asText(access)}. Set ` +
          `${setting('bootstrapServers')}, or ${own('bootstrapServers')}, to the local broker.${accountAdvice(access)}`,
      ),
    );
  }
  const destination = shape.DestinationConfig.OnFailure?.Destination;
  if (isIntrinsic(destination) && local.onFailureDestination === undefined) {
    found.push(
      cannotRun(
        `Only AWS knows its on-failure destination ${JSON.stringify(destination)}. Set ` +
          `${own('onFailureDestination')} to an ARN, or to kafka://topic, or to '' for none.${accountAdvice(destination)}`,
      ),
    );
  }
  return found;
}

/** Refuses a registry that cannot be used here: the function would get other records than on AWS. */
function refuseUnknownRegistry(shape: Shape, { endpoints }: Options): Refusal[] {
  const uri = registryOf(shape)?.SchemaRegistryURI;
  if (uri === undefined || endpoints.schemaRegistry !== undefined) return [];
  const advice = `Set ${words().setting('endpoints.schemaRegistry')} to a registry with Confluent's API.`;
  if (isIntrinsic(uri)) {
    return [
      cannotRun(
        `Only AWS knows the schema registry ${JSON.stringify(uri)}. ${advice}${accountAdvice(uri)}`,
      ),
    ];
  }
  if (registryOf(shape)?.AccessConfigs?.some(({ Type }) => Type === OAUTH)) {
    return [
      cannotRun(
        `The mapping signs in at its schema registry by ${OAUTH}, which this emulator cannot. ${advice}`,
      ),
    ];
  }
  return String(uri).startsWith('arn:')
    ? [cannotRun(`AWS Glue's schema registry (${uri}) is not emulated. ${advice}`)]
    : [];
}

function topicOf({ properties: { Topics: topics } }: Deployed): string {
  if (!Array.isArray(topics)) return 'no topic';
  return topics.map(asText).join(', ');
}

function acceptedOf(mapping: Mapping, { properties }: Deployed): Accepted {
  const { EventSourceArn: arn, SelfManagedEventSource: own } = properties;
  const servers = serversOf({ SelfManagedEventSource: own as Shape['SelfManagedEventSource'] });
  const { ConsumerGroupId: group } = toObject(properties.SelfManagedKafkaEventSourceConfig);
  return {
    mapping,
    sources: (servers ?? [arn]).map(asText),
    group: typeof group === 'string' ? group : undefined,
  };
}

function refuseUnknownMappings(deployed: readonly Deployed[], { mappings }: Options): void {
  const known = deployed.flatMap((one) => {
    const { key } = one.fn ?? {};
    return key === undefined ? [] : [key, `${key}/${topicOf(one)}`];
  });
  for (const key of Object.keys(mappings)) {
    if (known.includes(key)) continue;
    throw new ConfigurationError(
      `${words().setting(`mappings.${key}`)}: there is no such mapping. Name a function with a ` +
        `Kafka event source, or function/topic; there are: ${known.join(', ') || 'none'}.`,
    );
  }
}
