/** The parts of the framework that the plugin reads. */
import type { Place } from './control/server.ts';
import { type Loaded, readDefinitions } from './definition.ts';
import { isObject, type Json, toObject, toTexts } from './json.ts';
import { ConfigurationError, readOptions } from './options.ts';
import { refuseFaults } from './report.ts';
import type { EventKind } from './template/compile.ts';
import { type FunctionDefinition, type Service, scopeOf } from './template/deployed.ts';
import { withoutLoops } from './template/loops.ts';
import { merge } from './template/merge.ts';

export interface Serverless {
  readonly serviceDir?: string;
  readonly service: {
    readonly service: string | null;
    readonly provider: {
      readonly timeout?: number;
      readonly runtime?: string;
      readonly environment?: unknown;
      readonly compiledCloudFormationTemplate?: unknown;
    };
    readonly custom?: Json;
    package?: { patterns?: readonly string[] };
    readonly resources?: unknown;
    getAllFunctions(): string[];
    getFunction(key: string): {
      readonly name: string;
      readonly timeout?: number;
      readonly reservedConcurrency?: unknown;
      readonly handler?: string;
      readonly image?: unknown;
      readonly runtime?: string;
      readonly durableConfig?: unknown;
      readonly environment?: unknown;
      readonly provisionedConcurrency?: unknown;
      readonly snapStart?: unknown;
      readonly events?: readonly unknown[];
    };
  };
  readonly configSchemaHandler: {
    readonly schema?: unknown;
    defineCustomProperties(schema: object): void;
    defineFunctionEventProperties(provider: 'aws', event: string, schema: object): void;
  };
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
  getProvider(name: 'aws'): {
    getStage(): string;
    getRegion(): string;
    /** Adds the runtimes of the provider and of the framework. */
    getRuntime?(runtime: string | undefined): string;
    readonly naming: Naming;
  };
}

interface Naming {
  getLambdaLogicalId(functionKey: string): string;
  getLambdaProvisionedConcurrencyAliasLogicalId?(functionKey: string): string;
  getLambdaSnapStartAliasLogicalId?(functionKey: string): string;
  getLambdaDurableAliasLogicalId?(functionKey: string): string;
  getLambdaProvisionedConcurrencyAliasName?(): string;
  getLambdaSnapStartEnabledAliasName?(): string;
  getLambdaDurableAliasName?(): string;
  getKafkaEventLogicalId(functionKey: string, topic: string): string;
  getMSKEventLogicalId(functionKey: string, cluster: string, topic: string): string;
}

// serverless-offline's default.
const DEFAULT_TIMEOUT_SECONDS = 6;

/**
 * The mappings of the loaded service, with the plugin's settings.
 *
 * @param isStart whether they are about to be polled: then faults count that `strict` refuses
 * @throws the framework's own error for a wrong setting, which it prints without a stack trace
 */
export function loadDefinitions(serverless: Serverless, { isStart = false } = {}): Loaded {
  try {
    const options = readOptions(serverless.service.custom?.kafkaEventSource);
    const written = readService(serverless);
    const service = withoutLoops(written, scopeOf(written, options));
    const loaded = { service, definitions: readDefinitions(service, options), options };
    if (isStart) refuseFaults(loaded);
    return loaded;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new serverless.classes.Error(error.message, error.code);
  }
}

/** The service's folder and stage, which identify the process that runs it. */
export function placeOf(serverless: Serverless): Place {
  return { folder: folderOf(serverless), stage: serverless.getProvider('aws').getStage() };
}

function folderOf({ serviceDir }: Serverless): string {
  return serviceDir ?? process.cwd();
}

/** The parts of the loaded service that mappings are made of. */
export function readService(serverless: Serverless): Service {
  const { service } = serverless;
  const provider = serverless.getProvider('aws');
  const { naming } = provider;
  const functions = service.getAllFunctions().map((key): FunctionDefinition => {
    const { name, events = [], timeout, ...others } = service.getFunction(key);
    const { reservedConcurrency: reserved, handler, image, durableConfig } = others;
    const timeoutSeconds = timeout ?? service.provider.timeout ?? DEFAULT_TIMEOUT_SECONDS;
    // Only AWS knows the value of an intrinsic function.
    const reservedConcurrency = typeof reserved === 'number' ? reserved : undefined;
    const named = others.runtime ?? service.provider.runtime;
    return {
      key,
      name,
      isImage: image !== undefined,
      ...(image === undefined && { handler, runtime: provider.getRuntime?.(named) ?? named }),
      ...(isObject(durableConfig) && { durableConfig }),
      eventAlias: eventAlias(naming, others),
      environment: { ...toTexts(service.provider.environment), ...toTexts(others.environment) },
      ...logicalIds(naming, key),
      events,
      timeoutSeconds,
      reservedConcurrency,
    };
  });
  // Several files of resources are a list until the framework has merged them.
  const resources = toObject([service.resources].flat().reduce(merge, {}));
  return {
    service: service.service ?? '',
    stage: provider.getStage(),
    region: provider.getRegion(),
    folder: folderOf(serverless),
    functions,
    resourcesPath: 'resources.Resources',
    resources: toObject(resources.Resources),
    parameters: toObject(resources.Parameters),
    mappings: toObject(resources.Mappings),
    conditions: toObject(resources.Conditions),
    extensions: toObject(resources.extensions),
    logicalId: (kind: EventKind, key: string, topic: string, cluster: string) =>
      kind === 'kafka'
        ? naming.getKafkaEventLogicalId(key, topic)
        : naming.getMSKEventLogicalId(key, cluster, topic),
  };
}

/** The alias of a function's events, in the order in which osls chooses it. */
function eventAlias(
  naming: Naming,
  fn: Pick<
    ReturnType<Serverless['service']['getFunction']>,
    'durableConfig' | 'provisionedConcurrency' | 'snapStart'
  >,
): string | undefined {
  if (fn.durableConfig) return naming.getLambdaDurableAliasName?.();
  if (fn.provisionedConcurrency) return naming.getLambdaProvisionedConcurrencyAliasName?.();
  return fn.snapStart ? naming.getLambdaSnapStartEnabledAliasName?.() : undefined;
}

function logicalIds(naming: Naming, key: string) {
  const aliases = [
    [
      naming.getLambdaProvisionedConcurrencyAliasLogicalId?.(key),
      naming.getLambdaProvisionedConcurrencyAliasName?.(),
    ],
    [naming.getLambdaSnapStartAliasLogicalId?.(key), naming.getLambdaSnapStartEnabledAliasName?.()],
    [naming.getLambdaDurableAliasLogicalId?.(key), naming.getLambdaDurableAliasName?.()],
  ].filter(([id]) => id !== undefined);
  const named = aliases.filter(([, name]) => name !== undefined);
  return {
    logicalIds: [naming.getLambdaLogicalId(key), ...aliases.map(([id]) => id as string)],
    aliasNames: Object.fromEntries(named) as Record<string, string>,
  };
}
