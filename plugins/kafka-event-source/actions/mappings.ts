/** Pauses a mapping, lets it go on, and changes its batch size, as AWS's UpdateEventSourceMapping does. */
import { z } from 'zod';
import { checkUpdate, updateMapping } from '../control/api.ts';
import type { Runtime } from '../control/runtime.ts';
import type { Mapping } from '../mapping.ts';

export const batchSizeSchema = z.strictObject({ size: z.int() });

/** Changes of a mapping by AWS's names, and each one in a sentence. */
export interface Change {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly will: string;
}

const WAITS = 'after its invocations have ended and their records are committed';

export function pausing({ name, enabled }: Mapping): Change {
  const properties = { Enabled: false };
  if (!enabled) return { properties, will: `${name} is paused already: nothing changes.` };
  return {
    properties,
    will: `Stops ${name} ${WAITS}; new records wait in Kafka until it goes on.`,
  };
}

export function resuming({ name, topic, enabled }: Mapping): Change {
  const properties = { Enabled: true };
  if (enabled) return { properties, will: `${name} runs already: nothing changes.` };
  return {
    properties,
    will: `Starts ${name} again: it reads ${topic} from its committed offsets on.`,
  };
}

export function resizing({ name, batchSize }: Mapping, size: number): Change {
  return {
    properties: { BatchSize: size },
    will: `Changes the batch size of ${name} from ${batchSize} to ${size} ${WAITS}, until the next start.`,
  };
}

/**
 * Begins the change, or only checks it.
 *
 * @throws RequestError for one that AWS or the emulator refuses
 */
export function change(
  runtime: Runtime,
  { uuid }: Mapping,
  { properties, will }: Change,
  isDryRun: boolean,
) {
  if (isDryRun) {
    checkUpdate(runtime, uuid, { ...properties });
    return { will };
  }
  const { state, mapping } = updateMapping(runtime, uuid, { ...properties });
  return { mapping: uuid, state, enabled: mapping.enabled, batchSize: mapping.batchSize };
}
