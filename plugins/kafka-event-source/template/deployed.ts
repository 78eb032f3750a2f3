/** Finds the Kafka mappings of the template that would be deployed, in events and in resources. */
import { isObject, type Json, toObject } from '../json.ts';
import { words } from '../words.ts';
import { compileEvent, type EventKind, findEvents } from './compile.ts';
import { type Features, featuresOf } from './features.ts';
import { beginningOf, type Given, holds, isIntrinsic, resolve, type Scope } from './intrinsic.ts';
import { loopsIn } from './loops.ts';
import { compact, merge } from './merge.ts';

/** The parts of the loaded service that mappings are made of. */
export interface Service {
  readonly service: string;
  readonly stage: string;
  readonly region: string;
  /** The folder in which handlers are found. */
  readonly folder: string;
  readonly functions: readonly FunctionDefinition[];
  /** The place of the resources in the file, for messages: `resources.Resources` in serverless.yml. */
  readonly resourcesPath: string;
  /** `resources.Resources`, `.Parameters`, `.Mappings`, `.Conditions` and `.extensions`. */
  readonly resources: Json;
  readonly parameters: Json;
  readonly mappings: Json;
  readonly conditions: Json;
  readonly extensions: Json;
  /** The destinations whose ARNs only AWS knows, by the mapping's logical id; they have local ARNs here. */
  readonly madeDestinations?: ReadonlyMap<string, string>;
  readonly logicalId: (
    kind: EventKind,
    functionKey: string,
    topic: string,
    cluster: string,
  ) => string;
}

export interface FunctionDefinition {
  readonly key: string;
  readonly name: string;
  /** Such as `functions/notify/handler.main`; a container image has none. */
  readonly handler?: string | undefined;
  /** Such as nodejs24.x; a container image has none. */
  readonly runtime?: string | undefined;
  /** Whether the function is a container image, which has its runtime within. */
  readonly isImage?: boolean;
  /** The function's property, as it is written. */
  readonly durableConfig?: unknown;
  /** The alias that the framework deploys the function's events with. */
  readonly eventAlias?: string | undefined;
  /** The function's own logical id, and those of the aliases that the framework makes. */
  readonly logicalIds: readonly string[];
  /** The names of those aliases by their logical ids, as far as they are known. */
  readonly aliasNames?: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly reservedConcurrency?: number | undefined;
  /** The variables whose values are known here. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly events: readonly unknown[];
}

/** A mapping as CloudFormation gets it, with the values that are known here. */
export interface Deployed {
  readonly logicalId: string;
  /** The mapping's place in its file, such as `functions.notify.events.kafka`. */
  readonly where: string;
  readonly kind: EventKind;
  readonly region: string;
  /** Undefined if the mapping calls a function of another service. */
  readonly fn: FunctionDefinition | undefined;
  readonly features: Features;
  /** The function's name as it is written, for messages. */
  readonly functionName: unknown;
  /** The alias or version that the mapping names: a function of CloudFormation if only AWS knows its name. */
  readonly qualifier: string | Json | undefined;
  /** The resource of a destination that has a local ARN here, because only AWS knows its own. */
  readonly madeDestination?: string | undefined;
  readonly properties: Json;
  /** The name of a condition that only AWS can evaluate. */
  readonly condition: unknown;
  /** Warnings about values that the framework deploys as other values. */
  readonly warnings: readonly string[];
}

/** The mappings of a service, as CloudFormation gets them. */
export interface Template {
  readonly deployed: readonly Deployed[];
  /** Warnings about the template as a whole. */
  readonly warnings: readonly string[];
  /** The mappings that are not deployed, each with the reason: its condition does not hold. */
  readonly notDeployed: readonly string[];
}

interface Written {
  readonly where: string;
  /** The kind of the event; undefined for a resource. */
  readonly kind?: EventKind;
  readonly resource: Json;
  readonly warnings: readonly string[];
}

/** The type of a mapping's resource. */
export const MAPPING_TYPE = 'AWS::Lambda::EventSourceMapping';

/** Reads all Kafka mappings of the service. */
export function readDeployed(service: Service, given: Given): Template {
  const scope = scopeOf(service, given);
  const written = readEvents(service);
  mergeResources(written, service);
  const warnings = [...mergeExtensions(written, service), ...loopWarnings(service)];
  const deployed: Deployed[] = [];
  const notDeployed: string[] = [];
  for (const [logicalId, one] of written) {
    const found = toDeployed(logicalId, one, service, scope);
    if (!found) continue;
    const isDeployed = holds(found.condition, scope);
    if (isDeployed === false) {
      notDeployed.push(`${found.where}: the condition ${found.condition} does not hold`);
    } else deployed.push(isDeployed ? { ...found, condition: undefined } : found);
  }
  return { deployed, warnings, notDeployed };
}

/** The template's logical id of the mapping that an event makes. */
export function logicalIdOf(
  service: Pick<Service, 'logicalId'>,
  key: string,
  kind: EventKind,
  event: Json,
): string {
  const cluster = kind === 'msk' ? clusterName(event.arn) : '';
  return service.logicalId(kind, key, String(event.topic ?? ''), cluster);
}

/** The cluster's name in the logical id, made as the framework makes it. */
function clusterName(arn: unknown): string {
  if (typeof arn === 'string') return arn.split('/')[1] ?? '';
  if (!isObject(arn)) return '';
  return String(arn['Fn::ImportValue'] ?? arn.Ref ?? '');
}

function readEvents(service: Service): Map<string, Written> {
  const written = new Map<string, Written>();
  for (const { key, events, logicalIds, eventAlias: alias } of service.functions) {
    const arn = { 'Fn::GetAtt': [logicalIds[0], 'Arn'] };
    const FunctionName = alias === undefined ? arn : { 'Fn::Join': [':', [arn, alias]] };
    for (const found of findEvents(events)) {
      const { kind, event } = found;
      const logicalId = logicalIdOf(service, key, kind, event);
      const warnings = warningsOf(event);
      // AWS: the framework gives two such events one logical id, and the last one is deployed.
      if (written.has(logicalId)) {
        warnings.push(
          `two ${kind} events have the logical id ${logicalId}: only the last one is deployed ` +
            '(with Serverless Framework v4, both kafka events are). Move one to another function.',
        );
      }
      const Properties = merge({ FunctionName }, compileEvent(found));
      const where = `functions.${key}.events.${kind}`;
      const resource = { Type: MAPPING_TYPE, Properties };
      written.set(logicalId, { where, kind, resource, warnings });
    }
  }
  return written;
}

function warningsOf(event: Json): string[] {
  const warnings: string[] = [];
  if (event.maximumBatchingWindow === 0 && event.maximumBatchingWindowInSeconds === undefined) {
    warnings.push(
      'maximumBatchingWindow: 0 deploys as the default of 500 ms, because the framework leaves out ' +
        'a 0. For a window of 0 write maximumBatchingWindowInSeconds: 0.',
    );
  }
  if (event.batchSize === 0) {
    warnings.push(
      'batchSize: 0 deploys as the default of 100, because the framework leaves it out.',
    );
  }
  return warnings;
}

function mergeResources(written: Map<string, Written>, service: Service): void {
  const { resources, resourcesPath: path } = service;
  for (const [logicalId, resource] of Object.entries(resources)) {
    if (!isObject(resource)) continue;
    const generated = written.get(logicalId);
    if (generated) {
      const merged = merge(generated.resource, resource) as Json;
      const where = `${generated.where} with ${path}.${logicalId}`;
      written.set(logicalId, { ...generated, where, resource: merged });
    } else if (resource.Type === MAPPING_TYPE) {
      written.set(logicalId, { where: `${path}.${logicalId}`, resource, warnings: [] });
    }
  }
}

function mergeExtensions(written: Map<string, Written>, { extensions }: Service): string[] {
  const warnings: string[] = [];
  for (const [logicalId, extension] of Object.entries(extensions)) {
    const one = written.get(logicalId);
    if (one && isObject(extension)) {
      const { Properties: own, ...attributes } = extension;
      const Properties = { ...toObject(one.resource.Properties), ...toObject(own) };
      const where = `${one.where} with resources.extensions.${logicalId}`;
      written.set(logicalId, {
        ...one,
        where,
        resource: { ...one.resource, ...attributes, Properties },
      });
    } else if (/EventSourceMapping(Kafka|MSK)/.test(logicalId)) {
      const known = [...written.keys()].join(', ') || 'none';
      warnings.push(
        `resources.extensions.${logicalId}: there is no such mapping, and the framework refuses to ` +
          `package it. The mappings are: ${known}.`,
      );
    }
  }
  return warnings;
}

function loopWarnings({ resources, resourcesPath }: Service): string[] {
  return loopsIn(resources).map(
    (name) =>
      `${resourcesPath}.${name}: only CloudFormation knows the values of the loop, so its functions and ` +
      `mappings do not run here. Set the value of a parameter under ${words().setting('parameters')}, that ` +
      `of an import under ${words().setting('imports')}.`,
  );
}

function toDeployed(
  logicalId: string,
  { where, kind: event, resource, warnings }: Written,
  service: Service,
  scope: Scope,
): Deployed | undefined {
  const properties = resolve(compact(toObject(resource.Properties)), scope) as Json;
  const kind = event ?? kindOf(properties);
  if (!kind) return undefined;
  const { name, qualifier = qualifierOf(resource, service) } = targetOf(
    properties.FunctionName,
    scope,
  );
  const fn = service.functions.find((one) => one.name === name);
  const features = featuresOf(fn ?? { logicalIds: [] }, service, scope);
  const { FunctionName: functionName, ...others } = properties;
  const { Condition: condition } = resource;
  const { region } = scope;
  return {
    logicalId,
    where,
    madeDestination: service.madeDestinations?.get(logicalId),
    kind,
    region,
    fn,
    features,
    functionName,
    qualifier,
    properties: others,
    condition,
    warnings,
  };
}

// Only a mapping for Kafka has topics. Its ARN may be a placeholder, or known to AWS alone.
function kindOf({ EventSourceArn: arn, SelfManagedEventSource: own, Topics: topics }: Json) {
  if (own !== undefined && arn === undefined) return 'kafka';
  const isKafka = typeof arn === 'string' && arn.split(':')[2] === 'kafka';
  return isKafka || topics !== undefined ? 'msk' : undefined;
}

/**
 * A name, an ARN (`arn:aws:lambda:<region>:<account>:function:<name>`) or a partial ARN
 * (`<account>:function:<name>`), each with or without a version or an alias.
 */
export function parseFunctionName(value: unknown): { name?: string; qualifier?: string } {
  if (typeof value !== 'string') return {};
  const pieces = value.split(':');
  const isPartial = /^\d+$/.test(pieces[0] ?? '') && pieces[1] === 'function';
  const before = pieces[0] === 'arn' ? 6 : isPartial ? 2 : 0;
  const [name, qualifier] = pieces.slice(before);
  return { ...(name && { name }), ...(qualifier && { qualifier }) };
}

/** The function, although only AWS knows the alias or version at the end of its name or ARN. */
function targetOf(value: unknown, scope: Scope): { name?: string; qualifier?: string | Json } {
  if (!isIntrinsic(value)) return parseFunctionName(value);
  const beginning = beginningOf(value, scope);
  if (beginning === undefined) return parseFunctionName(value);
  const { name, qualifier } = parseFunctionName(`${beginning}?`);
  return name !== undefined && qualifier !== undefined ? { name, qualifier: value } : {};
}

/** The reference to an alias or version whose name is not known here. */
function qualifierOf({ Properties: written }: Json, service: Service): Json | undefined {
  const { FunctionName: target } = toObject(written);
  const { Ref: id } = toObject(target);
  if (typeof id !== 'string') return undefined;
  const { Type: type } = toObject(service.resources[id]);
  const isAlias =
    service.functions.some(({ logicalIds: [, ...aliases] }) => aliases.includes(id)) ||
    type === 'AWS::Lambda::Alias' ||
    type === 'AWS::Lambda::Version';
  return isAlias ? { Ref: id } : undefined;
}

/** The names and values that the template's functions may refer to. */
export function scopeOf(
  source: Omit<
    Service,
    'folder' | 'resourcesPath' | 'extensions' | 'logicalId' | 'madeDestinations'
  >,
  given: Given,
): Scope {
  const { service, stage, region, functions, resources, parameters, mappings, conditions } = source;
  const names = functions.flatMap(({ name, logicalIds, aliasNames = {} }) =>
    logicalIds.map((id) => {
      const alias = aliasNames[id];
      return [id, alias === undefined ? name : `${name}:${alias}`] as const;
    }),
  );
  return {
    region,
    stackName: `${service}-${stage}`,
    functions: new Map(names),
    resources,
    parameters,
    mappings,
    conditions,
    given,
  };
}
