/** The mappings that a test runs, with AWS's refusals. */
import { resolve } from 'node:path';
import { plainService } from '../cli/functions.ts';
import { readDefinitions } from '../definition.ts';
import type { Mapping } from '../mapping.ts';
import { type Options, readOptions } from '../options.ts';
import { describeRefusal } from '../report.ts';
import { loadTemplate } from '../sources/source.ts';
import type { FunctionDefinition, Service } from '../template/deployed.ts';
import type { FunctionOptions, KitOptions } from './types.ts';

/** In the events; nothing connects to it. */
const SERVERS = ['memory:9092'];
const DEFAULT_TIMEOUT_S = 6;

/**
 * The enabled mappings of the given functions.
 *
 * @throws Error for a refused mapping, an unknown function, and a function without a mapping
 */
export async function mappingsOf(options: KitOptions): Promise<Mapping[]> {
  const { functions, settings } = options;
  const local = readOptions({ bootstrapServers: SERVERS, ...settings });
  const service = await serviceOf(options, local);
  const keys = service.functions.map(({ key }) => key);
  for (const key of Object.keys(functions)) {
    if (!keys.includes(key)) {
      throw new Error(
        `There is no function ${key} with a mapping. There are: ${keys.join(', ') || 'none'}.`,
      );
    }
  }
  const wanted = (key: string) => Object.hasOwn(functions, key);
  const only = { ...service, functions: service.functions.filter(({ key }) => wanted(key)) };
  const { definitions } = readDefinitions(only, local);
  const mappings = definitions.flatMap(({ mapping }) => mapping ?? []);
  const refused = definitions.flatMap(({ where, mapping, refusals }) =>
    mapping ? [] : refusals.map((refusal) => `${where}: ${describeRefusal(refusal)}`),
  );
  if (refused.length > 0) throw new Error(refused.join('\n'));
  for (const key of Object.keys(functions)) {
    if (!mappings.some(({ functionKey }) => functionKey === key)) {
      throw new Error(`${key} has no Kafka event source.`);
    }
  }
  return mappings.filter(({ enabled }) => enabled);
}

async function serviceOf(options: KitOptions, local: Options): Promise<Service> {
  const { template, mappings, functions, region = 'us-east-1', stage = 'test' } = options;
  if ((template === undefined) === (mappings === undefined)) {
    throw new Error('Give either mappings or a template.');
  }
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
    servers: SERVERS,
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
