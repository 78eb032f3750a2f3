/** Compiles a kafka or msk event into the mapping's properties, as the framework and this plugin do. */
import { isObject, type Json, nonEmpty, toObject } from '../json.ts';
import { settingRows } from '../settings/settings.ts';
import { merge } from './merge.ts';

export type EventKind = 'kafka' | 'msk';

/** An event of a function, with its name in serverless.yml. */
export interface FoundEvent {
  readonly kind: EventKind;
  readonly event: Json;
}

/** The `kafka` and `msk` events of a function, without its other events. */
export function findEvents(events: readonly unknown[]): FoundEvent[] {
  return events.flatMap((event): FoundEvent[] => {
    if (!isObject(event)) return [];
    if ('kafka' in event) return [{ kind: 'kafka', event: toObject(event.kafka) }];
    if ('msk' in event) return [{ kind: 'msk', event: toObject(event.msk) }];
    return [];
  });
}

/**
 * The properties of the mapping that an event deploys: the framework's, and those that only this
 * plugin writes. Wrong values stay as they are: AWS's rules decide on them.
 */
export function compileEvent(found: FoundEvent): Json {
  const base = found.kind === 'kafka' ? compileKafka(found.event) : compileMsk(found.event);
  return merge(base, ownProperties(found)) as Json;
}

/** The properties that this plugin writes into the template. */
export function ownProperties({ kind, event }: FoundEvent): Json {
  const config =
    kind === 'kafka' ? 'SelfManagedKafkaEventSourceConfig' : 'AmazonManagedKafkaEventSourceConfig';
  const servers = splitServers(event.bootstrapServers);
  const own = {
    SelfManagedEventSource: servers && { Endpoints: { KafkaBootstrapServers: servers } },
    ...Object.fromEntries(settingRows().map(([name, { own }]) => [name, own?.value(event)])),
    [config]: isObject(event.schemaRegistry)
      ? { SchemaRegistryConfig: compileRegistry(event.schemaRegistry) }
      : undefined,
  };
  return nonEmpty(own);
}

/** AWS's types of access, by the framework's names. */
export const ACCESS_TYPES: Readonly<Record<string, string>> = {
  vpcSubnet: 'VPC_SUBNET',
  vpcSecurityGroup: 'VPC_SECURITY_GROUP',
  saslPlainAuth: 'BASIC_AUTH',
  saslScram256Auth: 'SASL_SCRAM_256_AUTH',
  saslScram512Auth: 'SASL_SCRAM_512_AUTH',
  clientCertificateTlsAuth: 'CLIENT_CERTIFICATE_TLS_AUTH',
  serverRootCaCertificate: 'SERVER_ROOT_CA_CERTIFICATE',
};
const ACCESS_PREFIXES: Readonly<Record<string, string>> = {
  vpcSubnet: 'subnet:',
  vpcSecurityGroup: 'security_group:',
};

/** The access of a function without a template: nothing is deployed, but AWS's rules ask for some access. */
export const NO_ACCESS = { vpcSubnet: 'local', vpcSecurityGroup: 'local' } as const;

/** Whether a mapping's access is NO_ACCESS. */
export function hasNoAccess(access: readonly { readonly uri: string }[]): boolean {
  const uris = compileAccess(NO_ACCESS).map(({ URI }) => URI);
  return access.length === uris.length && access.every(({ uri }) => uris.includes(uri));
}

function compileKafka(event: Json): Json {
  return nonEmpty({
    ...compileBoth(event),
    SelfManagedEventSource: {
      Endpoints: { KafkaBootstrapServers: toList(event.bootstrapServers) },
    },
    SourceAccessConfigurations: compileAccess(event.accessConfigurations),
    SelfManagedKafkaEventSourceConfig: compileGroup(event),
  });
}

function compileMsk(event: Json): Json {
  return nonEmpty({
    ...compileBoth(event),
    EventSourceArn: event.arn,
    SourceAccessConfigurations: event.saslScram512 && [
      { Type: 'SASL_SCRAM_512_AUTH', URI: event.saslScram512 },
    ],
    AmazonManagedKafkaEventSourceConfig: compileGroup(event),
  });
}

function compileBoth(event: Json): Json {
  return {
    Topics: event.topic === undefined ? undefined : [event.topic],
    ...Object.fromEntries(settingRows().map(([name, { framework }]) => [name, framework?.(event)])),
  };
}

function compileGroup({ consumerGroupId }: Json): Json | undefined {
  return consumerGroupId ? { ConsumerGroupId: consumerGroupId } : undefined;
}

function compileAccess(access: unknown): Json[] {
  return Object.entries(toObject(access)).flatMap(([key, values]) =>
    (toList(values) ?? []).map((value) => ({
      Type: ACCESS_TYPES[key] ?? key,
      URI: key in ACCESS_PREFIXES ? `${ACCESS_PREFIXES[key]}${String(value)}` : value,
    })),
  );
}

/** Splits a text with commas, as environment variables have it: AWS takes a list only. */
function splitServers(servers: unknown): unknown[] | undefined {
  const list = toList(servers) ?? [];
  const split = list.flatMap((one) => (typeof one === 'string' ? one.split(/\s*,\s*/) : [one]));
  return split.length > list.length ? split : undefined;
}

function compileRegistry(registry: Json): Json {
  const access = compileAccess(registry.accessConfigurations);
  return nonEmpty({
    SchemaRegistryURI: registry.uri,
    EventRecordFormat: registry.eventRecordFormat,
    AccessConfigs: access.length > 0 ? access.map(toRegistryAccess) : undefined,
    SchemaValidationConfigs: toList(registry.validate)?.map((one) => ({
      Attribute: typeof one === 'string' ? one.toUpperCase() : one,
    })),
  });
}

function toRegistryAccess({ Type, URI }: Json): Json {
  return { Type: Type === 'basicAuth' ? 'BASIC_AUTH' : Type, URI };
}

// The framework's schema allows a single value instead of a list.
function toList(value: unknown): unknown[] | undefined {
  if (value === undefined || value === null) return undefined;
  return Array.isArray(value) ? value : [value];
}
