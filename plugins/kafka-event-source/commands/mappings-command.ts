/** Runs `sls kafka mappings`: shows the mappings as they are deployed, and as they run here. */
import { type Definition, type Loaded, readDefinitions } from '../definition.ts';
import { isObject, type Json } from '../json.ts';
import { messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { readOptions } from '../options.ts';
import { formatParity } from '../parity.ts';
import { describeRefusal } from '../report.ts';
import type { Service } from '../template/deployed.ts';
import type { CommandContext } from './commands.ts';
import { textOf } from './option.ts';

/** A mapping as the command prints it in JSON. */
export interface PrintedMapping {
  readonly name: string;
  readonly functionKey: string | undefined;
  /** Its place in the file. */
  readonly where: string;
  readonly refusals: readonly string[];
  readonly warnings: readonly string[];
  /** Undefined if the mapping is refused. Its connection is left out, which may have a password. */
  readonly mapping: Omit<Mapping, 'connection'> | undefined;
  /** The function's variables, if they are wanted. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

export async function runMappings({ loaded, options, print }: CommandContext): Promise<void> {
  const { definitions, service } = withSettings(loaded, textOf(options.settings));
  const all = definitions.definitions;
  if (options.json === true) {
    const isFull = options.environment === true;
    const printed = all.map((one) => toPrinted(one, isFull ? service : undefined));
    print(JSON.stringify(printed, null, 2));
  } else print(all.map(describe).join('\n\n') || 'There is no Kafka event source.');
}

/** @throws Error for settings that are no JSON, and ConfigurationError for wrong ones */
function withSettings({ service, definitions, options }: Loaded, text: string | undefined): Loaded {
  if (text === undefined) return { service, definitions, options };
  const given = parse(text);
  const read = Object.entries(readOptions(given)).filter(([name]) => Object.hasOwn(given, name));
  const changed = { ...options, ...Object.fromEntries(read) };
  return { service, options: changed, definitions: readDefinitions(service, changed) };
}

function parse(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`--settings is no JSON: ${messageOf(error)}`);
  }
  if (isObject(value)) return value;
  throw new Error('--settings must be an object, such as {"bootstrapServers":"localhost:9092"}');
}

/** @param service tells the environment, if that is wanted */
function toPrinted(definition: Definition, service: Service | undefined): PrintedMapping {
  const { name, functionKey, where, refusals, warnings } = definition;
  const { connection, ...mapping } = definition.mapping ?? {};
  return {
    name,
    functionKey,
    where,
    refusals: refusals.map(describeRefusal),
    warnings,
    mapping: definition.mapping && (mapping as Omit<Mapping, 'connection'>),
    environment: service?.functions.find(({ key }) => key === functionKey)?.environment,
  };
}

function describe({ name, where, refusals, warnings, parity }: Definition): string {
  return [
    `${name} (${where})`,
    ...refusals.map((refusal) => `  ${describeRefusal(refusal)}`),
    ...warnings.map((warning) => `  ${warning}`),
    ...(parity.length > 0 ? [formatParity(parity, { all: true })] : []),
  ].join('\n');
}
