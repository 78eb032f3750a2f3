/** Tells durable functions, functions with tenant isolation, and functions on managed instances. */
import { isObject, type Json, toNumber, toObject } from '../json.ts';
import { resolve, type Scope } from './intrinsic.ts';
import { compact, merge } from './merge.ts';

export interface Features {
  /** The time limit of a durable function's whole execution, if it is a number. */
  readonly durable?: { readonly timeoutSeconds?: number };
  readonly hasTenantIsolation: boolean;
  /** Whether the function runs on instances of a capacity provider. */
  readonly isManaged: boolean;
}

/** Reads the function's own resource in the template, and the framework's property for durable functions. */
export function featuresOf(
  { logicalIds: [logicalId = ''], durableConfig }: FunctionParts,
  { resources, extensions }: Templates,
  scope: Scope,
): Features {
  const merged = merge(
    { DurableConfig: isObject(durableConfig) ? toDeployed(durableConfig) : undefined },
    propertiesOf(resources[logicalId]),
  ) as Json;
  const properties = resolve(
    compact({ ...merged, ...propertiesOf(extensions[logicalId]) }),
    scope,
  ) as Json;
  const { DurableConfig: durable, TenancyConfig, CapacityProviderConfig } = properties;
  return {
    ...(isObject(durable) && { durable: limitOf(durable) }),
    hasTenantIsolation: TenancyConfig !== undefined,
    isManaged: CapacityProviderConfig !== undefined,
  };
}

interface FunctionParts {
  readonly logicalIds: readonly string[];
  readonly durableConfig?: unknown;
}

interface Templates {
  readonly resources: Json;
  readonly extensions: Json;
}

function toDeployed({ executionTimeout }: Json): Json {
  return { ExecutionTimeout: executionTimeout };
}

function limitOf({ ExecutionTimeout: limit }: Json): { timeoutSeconds?: number } {
  // Only AWS knows the value of an intrinsic function.
  const timeoutSeconds = toNumber(limit);
  return timeoutSeconds === undefined ? {} : { timeoutSeconds };
}

function propertiesOf(resource: unknown): Json {
  return toObject(toObject(resource).Properties);
}
