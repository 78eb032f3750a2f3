/** The mapping that a command is about. */
import { mappingsOf } from '../definition.ts';
import type { Mapping } from '../mapping.ts';
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
  const own = mappings.filter(
    ({ functionKey, functionName }) => functionKey === wanted || functionName === wanted,
  );
  if (own.length > 0) return own.find((one) => one.topic === topic) ?? own[0];
  throw new Error(`The function ${wanted} has no Kafka mapping.`);
}
