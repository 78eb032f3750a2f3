/** The mapping that a command works on. */
import { mappingsOf } from '../definition.ts';
import type { Mapping } from '../mapping.ts';
import { words } from '../words.ts';
import type { CommandContext } from './commands.ts';
import { textOf } from './option.ts';

/**
 * The mapping of the options `function` and `topic`; without them the first one.
 *
 * @returns undefined if there is no mapping at all
 * @throws Error for a function without a mapping
 */
export function mappingOf({ loaded, options }: CommandContext): Mapping | undefined {
  const mappings = mappingsOf(loaded.definitions);
  const wanted = textOf(options.function);
  const topic = textOf(options.topic);
  if (wanted === undefined) return mappings.find((one) => one.topic === topic) ?? mappings[0];
  const own = mappings.filter((one) => isCalled(one, wanted));
  if (own.length > 0) return own.find((one) => one.topic === topic) ?? own[0];
  throw withoutMapping(wanted, mappings);
}

/** Whether the mapping calls the function of this key or name. */
export function isCalled({ functionKey, functionName }: Mapping, wanted: string): boolean {
  return functionKey === wanted || functionName === wanted;
}

export function withoutMapping(functionName: string, mappings: readonly Mapping[]): Error {
  const known = [...new Set(mappings.map(({ functionKey }) => functionKey))].join(', ') || 'none';
  return new Error(`The function ${functionName} has no Kafka mapping. These have one: ${known}.`);
}

/** The mapping with the servers to ask. @throws Error if there is none */
export function needed(mapping: Mapping | undefined): Mapping {
  if (mapping) return mapping;
  throw new Error(
    `No Kafka mapping can run, so no server is known. The command status says why. Or ${words().otherBroker}.`,
  );
}
