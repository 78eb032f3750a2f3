/** Reads a service from a Terraform plan. */
import { isObject, type Json, toObject, toText, toTexts } from '../json.ts';
import { type FunctionDefinition, MAPPING_TYPE, type Service } from '../template/deployed.ts';
import {
  FUNCTION,
  isOf,
  listOf,
  type Plan,
  type Planned,
  readPlan,
  referencesIn,
  referencesOf,
  targetOf,
} from './plan.ts';
import type { SourceOptions } from './source-options.ts';

// The provider's default.
const TIMEOUT_SECONDS = 3;

/** The service of a plan: each `aws_lambda_function` with its `aws_lambda_event_source_mapping`s. */
export function readTerraformPlan(json: Json, options: SourceOptions): Service {
  const { service, stage, region, folder } = options;
  const plan = readPlan(json);
  const functions = plan.resources.filter(({ type }) => type === FUNCTION).map(functionOf);
  const mappings = plan.resources
    .filter(({ type }) => type === 'aws_lambda_event_source_mapping')
    .map((one) => [one.address, mappingOf(one, plan)] as const);
  const resources = Object.fromEntries(mappings);
  return {
    service,
    stage,
    region,
    folder,
    resourcesPath: 'plan',
    functions,
    resources,
    madeDestinations: new Map(
      plan.resources.flatMap((one) => madeDestination(one, plan.resources)),
    ),
    // Values that come with `terraform apply` can be given as parameters.
    parameters: Object.fromEntries(refsIn(resources).map((id) => [id, { Type: 'String' }])),
    mappings: {},
    conditions: {},
    extensions: {},
    logicalId: (_, key, topic) => `${key}${topic}`,
  };
}

function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { Ref: id } = value as Json;
  return typeof id === 'string' ? [id] : Object.values(value).flatMap(refsIn);
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
    environment: toTexts(first(values.environment)?.variables),
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
  // AWS refuses these for Kafka.
  parallelization_factor: 'ParallelizationFactor',
  queues: 'Queues',
  tumbling_window_in_seconds: 'TumblingWindowInSeconds',
};

function mappingOf(planned: Planned, plan: Plan): Json {
  const { values } = planned;
  const same = Object.entries(SAME).map(([from, to]) => [to, values[from]]);
  const own = first(values.self_managed_event_source);
  const servers = toObject(own?.endpoints).KAFKA_BOOTSTRAP_SERVERS;
  const time = values.starting_position_timestamp;
  // A plan has null for an attribute that is not set; `readDeployed` leaves null out.
  const Properties = {
    ...Object.fromEntries(same),
    ...topicsOf(planned),
    FunctionName: functionNameOf(planned, plan),
    // All mappings of a module share one expression: a mapping with own servers has a reference here, too.
    EventSourceArn: own ? undefined : clusterArnOf(planned, plan.resources),
    SelfManagedEventSource: own && {
      Endpoints: {
        KafkaBootstrapServers:
          typeof servers === 'string' ? servers.split(',') : { 'Fn::ImportValue': planned.address },
      },
    },
    SourceAccessConfigurations: accessOf(planned),
    StartingPositionTimestamp: typeof time === 'string' ? Date.parse(time) / 1000 : undefined,
    FilterCriteria: filtersOf(values.filter_criteria),
    DestinationConfig: destinationOf(planned, plan.resources),
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

/** The name in the plan, or that of the function that the attribute refers to; with its alias. */
function functionNameOf(planned: Planned, plan: Plan): unknown {
  const { function_name: name } = planned.values;
  if (typeof name === 'string') return name;
  const target = targetOf(planned, plan);
  if (!target) return valueOrReference('function_name', planned);
  const { key } = functionOf(target.fn);
  return target.alias === undefined ? key : `${key}:${target.alias}`;
}

/** The access configurations. A plan leaves out a secret that comes with `terraform apply`, and a list with one. */
function accessOf(planned: Planned): unknown {
  const name = 'source_access_configuration';
  const place = `${planned.address}.${name}`;
  const { [name]: access } = planned.values;
  if (access === undefined) return { Ref: place };
  const written = listOf(planned.expressions[name]);
  const found = listOf(access).map(({ type, uri }, index) => {
    const [reference] = referencesIn(written[index]?.uri);
    const id = reference === undefined ? place : `${planned.module.path}${reference}`;
    return { Type: type, URI: uri ?? { Ref: id } };
  });
  return found.length > 0 ? found : undefined;
}

/** The attribute, or a reference to its value if the value comes with `terraform apply`. */
function valueOrReference(name: string, planned: Planned): unknown {
  const value = planned.values[name];
  if (value !== undefined && value !== null) return value;
  const [reference] = referencesOf(planned, name);
  return reference === undefined ? undefined : { Ref: reference };
}

/** The topics; a plan writes null for none, and leaves out those that come with `terraform apply`. */
function topicsOf(planned: Planned): Json {
  const { topics } = planned.values;
  const [reference] = referencesOf(planned, 'topics');
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
  const own = /"([^"]*)"\]$/.exec(address)?.[1] ?? address.split('.').at(-1);
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
function laterDestination(planned: Planned): string {
  const [reference] = referencesOf(planned, 'destination_config');
  return reference ?? `${planned.address}.destination_config`;
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

/** The addresses of the mapping and of its destination, if the destination's local ARN is made here. */
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

function first(value: unknown): Json | undefined {
  return listOf(value)[0];
}
