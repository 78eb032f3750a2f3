/** The mappings that a test runs, with AWS's refusals. */
import { resolve } from 'node:path';
import { plainService } from '../cli/functions.ts';
import type { PrintedMapping } from '../commands/mappings-command.ts';
import { readDefinitions } from '../definition.ts';
import { type Mapping, topicsOf } from '../mapping.ts';
import { type Options, readOptions } from '../options.ts';
import { describeRefusal } from '../report.ts';
import { loadTemplate } from '../sources/source.ts';
import type { FunctionDefinition, Service } from '../template/deployed.ts';
import { readService } from './service.ts';
import type { FunctionOptions, KitOptions } from './types.ts';

const DEFAULT_TIMEOUT_S = 6;

/** A mapping, or its refusals. */
type Found = Pick<PrintedMapping, 'functionKey' | 'where' | 'refusals'> & {
  readonly mapping: Mapping | undefined;
  readonly environment?: Variables | undefined;
};

type Variables = Readonly<Record<string, string>>;

/** The enabled mappings of a test, and the environments of their functions. */
export interface Wanted {
  readonly mappings: readonly Mapping[];
  /** The topics of all mappings and of their destinations, also of those that are not enabled. */
  readonly topics: readonly string[];
  readonly environments: ReadonlyMap<string, Variables>;
}

/**
 * The enabled mappings of the given functions.
 *
 * @param servers the Kafka in the events
 * @throws Error for a refused mapping, and for a function without a mapping
 */
export async function mappingsOf(options: KitOptions, servers: readonly string[]): Promise<Wanted> {
  const found = await find(options, servers);
  const keys = [...new Set(found.flatMap(({ functionKey }) => functionKey ?? []))];
  const wanted = Object.keys(options.functions);
  const unknown = wanted.find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    const known = keys.join(', ') || 'none';
    throw new Error(
      `There is no function ${unknown} with a Kafka event source. There are: ${known}.`,
    );
  }
  const own = found.filter(({ functionKey = '' }) => wanted.includes(functionKey));
  const refused = own.flatMap(({ where, refusals }) => refusals.map((one) => `${where}: ${one}`));
  if (refused.length > 0) throw new Error(refused.join('\n'));
  const environments = wanted.map((key) => {
    const { environment } = own.find(({ functionKey }) => functionKey === key) ?? {};
    return [key, { ...environment, ...ofFunction(options.functions[key]).environment }] as const;
  });
  const mappings = own.flatMap(({ mapping }) => mapping ?? []);
  return {
    mappings: mappings.filter(({ enabled }) => enabled).map(withoutSecrets),
    topics: mappings.flatMap(topicsOf),
    environments: new Map(environments),
  };
}

/** No registry outside is asked, so that its secrets are not read. */
function withoutSecrets(mapping: Mapping): Mapping {
  const { schemaRegistry: registry } = mapping;
  return registry ? { ...mapping, schemaRegistry: { ...registry, access: [] } } : mapping;
}

async function find(options: KitOptions, servers: readonly string[]): Promise<Found[]> {
  const { service, template, mappings, settings, stage } = options;
  if ([service, template, mappings].filter((one) => one !== undefined).length !== 1) {
    throw new Error('Give one of mappings, service and template.');
  }
  const all = { bootstrapServers: servers, ...settings };
  if (service !== undefined) {
    const read = await readService(service, all, stage);
    return read.map((one) => ({ ...one, mapping: one.mapping && { ...one.mapping, connection } }));
  }
  const local = readOptions(all);
  const read = await serviceOf(options, local, servers);
  const { definitions } = readDefinitions(read, local);
  return definitions.map((one) => ({
    ...one,
    refusals: one.refusals.map(describeRefusal),
    environment: read.functions.find(({ key }) => key === one.functionKey)?.environment,
  }));
}

/** The framework prints no passwords. */
const connection = { useDeployedAccess: false, secrets: {} };

async function serviceOf(
  options: KitOptions,
  local: Options,
  servers: readonly string[],
): Promise<Service> {
  const { template, mappings, functions, region = 'us-east-1', stage = 'test' } = options;
  if (template !== undefined) {
    return loadTemplate(resolve(template), { region, stage, given: local });
  }
  const plain = Object.entries(mappings ?? {}).map(([key, given]) => {
    const events = [given].flat().map((kafka) => ({ kafka: { ...kafka } }));
    return [key, { timeout: ofFunction(functions[key]).timeout ?? DEFAULT_TIMEOUT_S, events }];
  });
  const service = plainService(Object.fromEntries(plain), {
    folder: process.cwd(),
    region,
    stage,
    servers,
  });
  return {
    ...service,
    functions: service.functions.map((one) => withOptions(one, functions[one.key])),
  };
}

function withOptions(fn: FunctionDefinition, given: KitOptions['functions'][string] | undefined) {
  const { runtime, reservedConcurrency } = ofFunction(given);
  return { ...fn, ...(runtime && { runtime }), reservedConcurrency };
}

function ofFunction(given: KitOptions['functions'][string] | undefined): FunctionOptions {
  return typeof given === 'object' ? given : {};
}
