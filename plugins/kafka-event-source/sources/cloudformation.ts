/** Reads a service from a template of CloudFormation or SAM. */
import { isObject, type Json, toNumber, toObject, toText, toTexts, without } from '../json.ts';
import {
  type FunctionDefinition,
  MAPPING_TYPE,
  type Service,
  scopeOf,
} from '../template/deployed.ts';
import { holds, isIntrinsic, resolve, type Scope } from '../template/intrinsic.ts';
import { withoutLoops } from '../template/loops.ts';
import type { SourceOptions } from './source-options.ts';

// CloudFormation's and SAM's default.
const TIMEOUT_SECONDS = 3;

/** The service of a template: its functions, and their mappings as resources. */
export function readCloudFormation(template: Json, options: SourceOptions): Service {
  const { service, stage, region, folder, given } = options;
  const globals = toObject(toObject(template.Globals).Function);
  const written = {
    parameters: toObject(template.Parameters),
    mappings: toObject(template.Mappings),
    conditions: toObject(template.Conditions),
    resources: toObject(template.Resources),
  };
  // Without functions, because this scope resolves their names.
  const place = { service, stage, region, functions: [] };
  const parts = withoutLoops(written, scopeOf({ ...place, ...written }, given));
  const resources = mapValues(parts.resources, (resource) => withGlobals(resource, globals));
  const scope = scopeOf({ ...place, ...parts, resources }, given);
  const functions = Object.entries(resources).filter(
    ([, resource]) => isFunction(resource) && holds(resource.Condition, scope) !== false,
  );
  return {
    service,
    stage,
    region,
    folder,
    resourcesPath: 'Resources',
    functions: functions.map(([id, resource]) => functionOf(id, resource, scope)),
    ...parts,
    resources: {
      ...resources,
      ...Object.fromEntries(functions.flatMap(([id, resource]) => eventsOf(id, resource, scope))),
    },
    extensions: {},
    // A template's mappings have logical ids already.
    logicalId: (_, key, topic) => `${key}${topic}`,
  };
}

function isFunction(resource: Json): boolean {
  return resource.Type === 'AWS::Serverless::Function' || resource.Type === 'AWS::Lambda::Function';
}

/** SAM: the properties under Globals, unless the function has its own. */
function withGlobals(resource: unknown, globals: Json): Json {
  const one = toObject(resource);
  return one.Type === 'AWS::Serverless::Function'
    ? { ...one, Properties: overridden(globals, toObject(one.Properties)) }
    : one;
}

/**
 * SAM merges objects and joins lists. A function of CloudFormation is a value like a text.
 * https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
 */
function overridden(global: unknown, own: unknown): unknown {
  if (own === undefined) return global;
  if (Array.isArray(global) && Array.isArray(own)) return [...global, ...own];
  const areMerged = [global, own].every((one) => isObject(one) && !isIntrinsic(one));
  if (!areMerged) return own;
  const [base, changes] = [toObject(global), toObject(own)];
  const entries = Object.entries(changes).map(([name, one]) => [name, overridden(base[name], one)]);
  return { ...base, ...Object.fromEntries(entries) };
}

function functionOf(id: string, resource: Json, scope: Scope): FunctionDefinition {
  const properties = resolve(toObject(resource.Properties), scope) as Json;
  const { FunctionName: name, Timeout: timeout, Handler: handler, Runtime: runtime } = properties;
  const { PackageType, ReservedConcurrentExecutions: reserved } = properties;
  const isImage = PackageType === 'Image';
  const aliasNames = aliasesOf(id, properties);
  return {
    key: id,
    // `sam local` and CDK name a function without a name by its logical id.
    name: typeof name === 'string' ? name : id,
    isImage,
    ...(!isImage && { handler: toText(handler), runtime: toText(runtime) }),
    logicalIds: [id, ...Object.keys(aliasNames)],
    aliasNames,
    // If only AWS knows the timeout, the default holds.
    timeoutSeconds: toNumber(timeout) ?? TIMEOUT_SECONDS,
    reservedConcurrency: toNumber(reserved),
    environment: toTexts(toObject(properties.Environment).Variables),
    events: [],
  };
}

/**
 * SAM: the alias that AutoPublishAlias makes, by its logical id and by the name that a template refers to it.
 * https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html
 */
function aliasesOf(id: string, { AutoPublishAlias: alias }: Json): Record<string, string> {
  return typeof alias === 'string' ? { [`${id}Alias${alias}`]: alias, [`${id}.Alias`]: alias } : {};
}

/**
 * The mappings that SAM makes of a function's events; their logical ids are those of SAM.
 * https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventsource.html
 */
function eventsOf(id: string, resource: Json, scope: Scope): [string, Json][] {
  const properties = toObject(resource.Properties);
  const AutoPublishAlias = resolve(properties.AutoPublishAlias, scope);
  return Object.entries(toObject(properties.Events)).flatMap(([name, event]): [string, Json][] => {
    const { Type: type, Properties: given } = toObject(event);
    const source = sourceOf(type, toObject(given));
    if (!source) return [];
    const [target = id] = Object.keys(aliasesOf(id, { AutoPublishAlias }));
    const Properties = { FunctionName: { Ref: target }, ...source };
    const { Condition } = resource;
    const mapping = {
      Type: MAPPING_TYPE,
      ...(Condition !== undefined && { Condition }),
      Properties,
    };
    return [[`${id}${name}`, mapping]];
  });
}

function sourceOf(type: unknown, properties: Json): Json | undefined {
  const { Stream, KafkaBootstrapServers, ...others } = properties;
  const { ConsumerGroupId, SchemaRegistryConfig, ConsumptionMode, ...unchanged } = others;
  const same = {
    // SAM makes a policy of the key and of the destination's type, and no property of the mapping.
    ...without(unchanged, 'SecretsManagerKmsKeyId'),
    DestinationConfig: withoutType(unchanged.DestinationConfig),
  };
  const config = { ConsumerGroupId, SchemaRegistryConfig, ConsumptionMode };
  if (type === 'MSK') {
    return { EventSourceArn: Stream, AmazonManagedKafkaEventSourceConfig: config, ...same };
  }
  if (type !== 'SelfManagedKafka') return undefined;
  return {
    SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers } },
    SelfManagedKafkaEventSourceConfig: config,
    ...same,
  };
}

function withoutType(config: unknown): unknown {
  const { OnFailure: failure, ...others } = toObject(config);
  return isObject(failure) ? { ...others, OnFailure: without(failure, 'Type') } : config;
}

function mapValues(value: Json, change: (one: unknown) => Json): Readonly<Record<string, Json>> {
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, change(one)]));
}
