/**
 * Reads a service from a Terraform plan, the output of `terraform show -json <plan>`.
 * Its format: https://developer.hashicorp.com/terraform/internals/json-format
 */
import { isObject, type Json, toObject, toText } from '../json.ts';
import { type FunctionDefinition, MAPPING_TYPE, type Service } from '../template/deployed.ts';
import type { SourceOptions } from './source-options.ts';

/** A resource of the plan, in the root module or in one that it calls. */
interface Planned {
  readonly address: string;
  readonly type: string;
  readonly values: Json;
  /** The addresses that each attribute refers to, by the attribute's name. */
  readonly references: Readonly<Record<string, readonly string[]>>;
}

// The provider's default.
const TIMEOUT_SECONDS = 3;

/** The service of a plan: each `aws_lambda_function` with its `aws_lambda_event_source_mapping`s. */
export function readTerraformPlan(plan: Json, options: SourceOptions): Service {
  const { service, stage, region, folder } = options;
  const root = toObject(toObject(plan.planned_values).root_module);
  const planned = resourcesOf(root, toObject(toObject(plan.configuration).root_module), '');
  const functions = planned.filter(({ type }) => type === 'aws_lambda_function').map(functionOf);
  const mappings = planned
    .filter(({ type }) => type === 'aws_lambda_event_source_mapping')
    .map((one) => [one.address, mappingOf(one, functions, planned)] as const);
  return {
    service,
    stage,
    region,
    folder,
    resourcesPath: 'plan',
    functions,
    resources: Object.fromEntries(mappings),
    madeDestinations: new Map(planned.flatMap((one) => madeDestination(one, planned))),
    parameters: {},
    mappings: {},
    conditions: {},
    extensions: {},
    logicalId: (_, key, topic) => `${key}${topic}`,
  };
}

function resourcesOf(module: Json, configuration: Json, path: string): Planned[] {
  const configured = listOf(configuration.resources);
  const own = listOf(module.resources).map((resource): Planned => {
    const { address = '', type = '', name, values } = resource as Record<string, string>;
    const source = configured.find((one) => one.type === type && one.name === name);
    const expressions = Object.entries(toObject(source?.expressions));
    const references = Object.fromEntries(
      expressions.map(([key, one]) => [key, referencesIn(one).map((id) => `${path}${id}`)]),
    );
    return { address, type, values: toObject(values), references };
  });
  const calls = toObject(configuration.module_calls);
  const inner = listOf(module.child_modules).flatMap((child) => {
    const address = String(child.address ?? '');
    // `module.kafka["a"]` is an instance of the call `kafka`.
    const name = /([^.[\]]+)(\[[^\]]*\])?$/.exec(address)?.[1] ?? '';
    return resourcesOf(child, toObject(toObject(calls[name]).module), `${address}.`);
  });
  return [...own, ...inner];
}

/** An attribute's references, the most exact first: `aws_lambda_function.notify.arn` and without `.arn`. */
function referencesIn(expression: unknown): string[] {
  // A block is a list of objects with the expressions of its attributes.
  if (Array.isArray(expression)) return expression.flatMap(referencesIn);
  const { references, ...attributes } = toObject(expression);
  return Array.isArray(references)
    ? references.map(String)
    : Object.values(attributes).flatMap(referencesIn);
}

function functionOf({ address, values }: Planned): FunctionDefinition {
  const { function_name: name, handler, runtime, timeout, package_type: type } = values;
  const { reserved_concurrent_executions: reserved } = values;
  const isImage = type === 'Image';
  return {
    key: typeof name === 'string' ? name : address,
    name: typeof name === 'string' ? name : address,
    isImage,
    ...(!isImage && { handler: toText(handler), runtime: toText(runtime) }),
    logicalIds: [address],
    timeoutSeconds: typeof timeout === 'number' ? timeout : TIMEOUT_SECONDS,
    ...(typeof reserved === 'number' && reserved >= 0 && { reservedConcurrency: reserved }),
    events: [],
  };
}

/** The provider's attributes and CloudFormation's properties, where the value stays as it is. */
const SAME: Readonly<Record<string, string>> = {
  enabled: 'Enabled',
  batch_size: 'BatchSize',
  maximum_batching_window_in_seconds: 'MaximumBatchingWindowInSeconds',
  starting_position: 'StartingPosition',
  function_response_types: 'FunctionResponseTypes',
  maximum_record_age_in_seconds: 'MaximumRecordAgeInSeconds',
  maximum_retry_attempts: 'MaximumRetryAttempts',
  bisect_batch_on_function_error: 'BisectBatchOnFunctionError',
  kms_key_arn: 'KmsKeyArn',
};

function mappingOf(
  planned: Planned,
  functions: readonly FunctionDefinition[],
  all: readonly Planned[],
): Json {
  const { values } = planned;
  const same = Object.entries(SAME).map(([from, to]) => [to, values[from]]);
  const own = first(values.self_managed_event_source);
  const servers = toObject(own?.endpoints).KAFKA_BOOTSTRAP_SERVERS;
  const time = values.starting_position_timestamp;
  const access = listOf(values.source_access_configuration);
  // A plan has null for an attribute that is not set; `readDeployed` leaves null out.
  const Properties = {
    ...Object.fromEntries(same),
    ...topicsOf(planned),
    FunctionName: functionNameOf(planned, functions),
    // A module's mappings share one expression, so that one with own servers has a reference here, too.
    EventSourceArn: own ? undefined : clusterArnOf(planned, all),
    SelfManagedEventSource: own && {
      Endpoints: {
        KafkaBootstrapServers:
          typeof servers === 'string' ? servers.split(',') : { 'Fn::ImportValue': planned.address },
      },
    },
    SourceAccessConfigurations:
      access.length > 0 ? access.map(({ type, uri }) => ({ Type: type, URI: uri })) : undefined,
    StartingPositionTimestamp: typeof time === 'string' ? Date.parse(time) / 1000 : undefined,
    FilterCriteria: filtersOf(values.filter_criteria),
    DestinationConfig: destinationOf(planned, all),
    ProvisionedPollerConfig: pollersOf(values.provisioned_poller_config),
    SelfManagedKafkaEventSourceConfig: clusterConfigOf(
      first(values.self_managed_kafka_event_source_config),
    ),
    AmazonManagedKafkaEventSourceConfig: clusterConfigOf(
      first(values.amazon_managed_kafka_event_source_config),
    ),
    MetricsConfig: metricsOf(values.metrics_config),
  };
  return { Type: MAPPING_TYPE, Properties };
}

/**
 * The name in the plan, or that of the function that the attribute refers to. A plan leaves out the key
 * in `aws_lambda_function.app[each.key]`: of several instances it is the one with the mapping's own key.
 */
function functionNameOf(planned: Planned, functions: readonly FunctionDefinition[]): unknown {
  const { address, values, references } = planned;
  if (typeof values.function_name === 'string') return values.function_name;
  const [found = []] = (references.function_name ?? [])
    .map((id) => functions.filter(({ logicalIds: [one = ''] }) => isOf(id, one)))
    .filter(({ length }) => length > 0);
  const own = found.find(({ logicalIds: [one = ''] }) => keyOf(one) === keyOf(address));
  const only = found.length === 1 ? found[0] : own;
  return only?.name ?? valueOrReference('function_name', planned);
}

const KEY = /\[[^\]]*\]$/;

/** The key of an instance: `["a"]` or `[0]`. */
function keyOf(address: string): string | undefined {
  return KEY.exec(address)?.[0];
}

/** Whether a reference is to this address, or to an attribute of it, with the instance's key or without. */
function isOf(reference: string, address: string): boolean {
  const plain = address.replace(KEY, '');
  return [address, plain].some((one) => reference === one || reference.startsWith(`${one}.`));
}

/** The attribute, or a reference to its value if the value comes with `terraform apply`. */
function valueOrReference(
  name: string,
  { values, references }: Pick<Planned, 'values' | 'references'>,
): unknown {
  const value = values[name];
  if (value !== undefined && value !== null) return value;
  const [reference] = references[name] ?? [];
  return reference === undefined ? undefined : { Ref: reference };
}

/** The topics; a plan writes null for none, and leaves out those that come with `terraform apply`. */
function topicsOf({ values: { topics }, references }: Planned): Json {
  const [reference] = references.topics ?? [];
  const isLater = topics === undefined && reference !== undefined;
  return { Topics: isLater ? [{ Ref: reference }] : topics };
}

function filtersOf(value: unknown): Json | undefined {
  const filters = listOf(first(value)?.filter);
  return filters.length > 0
    ? { Filters: filters.map(({ pattern }) => ({ Pattern: pattern })) }
    : undefined;
}

/**
 * The cluster's ARN. One that comes with `terraform apply` has a name in it all the same, which the local
 * ARN gets: the cluster's in the plan, else that of its resource, module or variable.
 */
function clusterArnOf(planned: Planned, all: readonly Planned[]): unknown {
  const arn = valueOrReference('event_source_arn', planned);
  if (!isObject(arn)) return arn;
  const reference = String(arn.Ref);
  const name = laterName(reference, 'cluster_name', planned, all);
  // No variable has this name, so that the ARN stays unknown.
  return { 'Fn::Sub': `cluster/${name}/\${${reference}}` };
}

/** The name of a resource whose ARN comes with `terraform apply`: in the plan, or made of its address. */
function laterName(
  reference: string,
  attribute: string,
  { address }: Planned,
  all: readonly Planned[],
): string {
  const { [attribute]: known } = all.find((one) => isOf(reference, one.address))?.values ?? {};
  if (typeof known === 'string') return known;
  const [module = ''] = MODULES.exec(address) ?? [];
  const parts = localAddress(reference, address)
    .replace(/\[[^\]]*\]/g, '')
    .split('.');
  const [type, name] = parts[0] === 'data' ? parts.slice(1) : parts;
  // "this" in a module, and the value of a mapping's own key, have no name.
  if (name === 'this') return /module\.([^.[]+)[^.]*\.$/.exec(module)?.[1] ?? name;
  const own = /"([^"]*)"/.exec(keyOf(address) ?? '')?.[1] ?? address.split('.').at(-1);
  return (type === 'each' ? own : name) ?? reference;
}

const MODULES = /^(?:module\.[^.]+\.)*/;

/** An address as it is written in the module of another address. */
function localAddress(reference: string, from: string): string {
  const [module = ''] = MODULES.exec(from) ?? [];
  return reference.startsWith(module) ? reference.slice(module.length) : reference;
}

/** The services of destinations, by the type of their resource, and the attribute that names them. */
const TARGETS: Readonly<Record<string, readonly [service: string, attribute: string]>> = {
  aws_sqs_queue: ['sqs', 'name'],
  aws_sns_topic: ['sns', 'name'],
  aws_s3_bucket: ['s3', 'bucket'],
};

/** A destination of the same plan has no ARN yet: the block is there, without its attribute. */
function destinationOf(planned: Planned, all: readonly Planned[]): Json | undefined {
  const failure = failureOf(planned);
  if (!failure) return undefined;
  const later = laterDestination(planned);
  const Destination = failure.destination_arn ?? localTarget(planned, all) ?? { Ref: later };
  return { OnFailure: { Destination } };
}

function failureOf({ values }: Planned): Json | undefined {
  return listOf(first(values.destination_config)?.on_failure)[0];
}

/** The address of a destination whose ARN comes with `terraform apply`. */
function laterDestination({ address, references }: Planned): string {
  return references.destination_config?.[0] ?? `${address}.destination_config`;
}

/** The ARN that a queue, topic or bucket of the plan has on this machine. */
function localTarget(planned: Planned, all: readonly Planned[]): Json | undefined {
  const reference = laterDestination(planned);
  const [type = ''] = localAddress(reference, planned.address).split('.');
  const [service, attribute] = TARGETS[type] ?? [];
  if (service === undefined || attribute === undefined) return undefined;
  const place = service === 's3' ? ':' : `\${AWS::Region}:\${AWS::AccountId}`;
  return {
    'Fn::Sub': `arn:aws:${service}:${place}:${laterName(reference, attribute, planned, all)}`,
  };
}

/** The mapping and its destination, if the local ARN of that one is made here. */
function madeDestination(planned: Planned, all: readonly Planned[]): [string, string][] {
  const failure = failureOf(planned);
  const isMade = failure !== undefined && failure.destination_arn === undefined;
  return isMade && localTarget(planned, all) ? [[planned.address, laterDestination(planned)]] : [];
}

function pollersOf(value: unknown): Json | undefined {
  const pollers = first(value);
  return (
    pollers && {
      MinimumPollers: pollers.minimum_pollers,
      MaximumPollers: pollers.maximum_pollers,
      PollerGroupName: pollers.poller_group_name,
    }
  );
}

function clusterConfigOf(config: Json | undefined): Json | undefined {
  if (!config) return undefined;
  const registry = first(config.schema_registry_config);
  return {
    ConsumerGroupId: config.consumer_group_id,
    SchemaRegistryConfig: registry && {
      SchemaRegistryURI: registry.schema_registry_uri,
      EventRecordFormat: registry.event_record_format,
      AccessConfigs: listOf(registry.access_config).map(({ type, uri }) => ({
        Type: type,
        URI: uri,
      })),
      SchemaValidationConfigs: listOf(registry.schema_validation_config).map(({ attribute }) => ({
        Attribute: attribute,
      })),
    },
  };
}

function metricsOf(value: unknown): Json | undefined {
  const metrics = first(value);
  return metrics && { Metrics: metrics.metrics };
}

/** A block of the provider's is a list, mostly of one item. */
function first(value: unknown): Json | undefined {
  return listOf(value)[0];
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
