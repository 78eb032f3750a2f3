/** Says why a record was not delivered, from all that is known about it and its mapping. */
import { plural } from '../plural.ts';
import type { RecordLife } from '../recorder/types.ts';

/** A mapping as `/api/mappings` shows it. */
export interface ShownMapping {
  readonly name: string;
  readonly uuid: string;
  readonly topic: string;
  readonly state: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly committed?: number | undefined;
    readonly end: number;
    readonly blocked?: { readonly offset: number; readonly reason: string } | undefined;
  }[];
  readonly why: readonly string[];
}

export interface Asked {
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
  readonly offset?: number | undefined;
}

/** The answer about one mapping. */
export interface Explanation {
  readonly mapping: string;
  readonly state: string;
  /** Sentences, the most exact one first. */
  readonly because: readonly string[];
}

/**
 * The reasons, a list for each mapping that could deliver the record.
 *
 * @param lives the recorded lives of the record by the mapping's UUID
 * @param faults the sentences of faults that are set, by the mapping's UUID
 */
export function explain(
  asked: Asked,
  mappings: readonly ShownMapping[],
  lives: ReadonlyMap<string, RecordLife>,
  faults: ReadonlyMap<string, readonly string[]>,
): Explanation[] {
  const { topic } = asked;
  const fitting = mappings.filter((one) => topic === undefined || one.topic === topic);
  if (fitting.length === 0) {
    const topics = [...new Set(mappings.map((one) => one.topic))].join(', ') || 'no topic';
    return [
      {
        mapping: 'none',
        state: 'none',
        because: [
          `No mapping of this service reads ${topic}. They read ${topics}: check the topic's name ` +
            'where the record is produced, and in the mapping.',
        ],
      },
    ];
  }
  return fitting.map((mapping) => ({
    mapping: mapping.name,
    state: mapping.state,
    because: [
      ...ofRecord(asked, mapping, lives.get(mapping.uuid)),
      ...(faults.get(mapping.uuid) ?? []).map((one) => `A fault is set here: ${one}`),
      ...mapping.why.map((one) => ended(`State of the mapping: ${one}`)),
    ],
  }));
}

function ofRecord(
  { partition, offset }: Asked,
  mapping: ShownMapping,
  life: RecordLife | undefined,
): string[] {
  if (life) return ofLife(life);
  if (partition === undefined || offset === undefined) return [];
  const { topic, partitions } = mapping;
  if (partitions.length === 0) return [];
  const found = partitions.find((one) => one.partition === partition);
  if (!found) {
    return [
      `${topic} has no partition ${partition}: it has ${plural(partitions.length, 'partition')}.`,
    ];
  }
  const place = `Offset ${offset} of ${topic}-${partition}`;
  const { end, committed, blocked } = found;
  if (offset >= end) {
    return [
      `${place} cannot be read: the partition ends at ${end}. The record is not written, was written to ` +
        'another partition, or belongs to an open transaction.',
    ];
  }
  if (committed !== undefined && offset < committed) {
    return [
      `${place} is before the committed offset ${committed}, so it counts as done: it was delivered ` +
        'before the recorder began or has been removed from it, was filtered out, or was skipped by the ' +
        'starting position or by a move of the group.',
    ];
  }
  if (blocked && blocked.offset < offset) {
    return [`${place} waits behind offset ${blocked.offset}: ${blocked.reason}.`];
  }
  return [`${place} waits: the mapping has not read it yet.`];
}

function ofLife({ state, why, reason, attempts, events }: RecordLife): string[] {
  const last = events.at(-1)?.text;
  return [
    ended(
      `The record is ${STATES[state]} after ${plural(attempts, 'attempt')}${reason ? `: ${reason}` : ''}`,
    ),
    ...(why ? [why] : []),
    ...(last && last !== why && last !== reason ? [`Its last event: ${last}`] : []),
  ];
}

const STATES: Readonly<Record<RecordLife['state'], string>> = {
  waiting: 'waiting',
  inFlight: 'at the function',
  retrying: 'being tried again',
  filteredOut: 'filtered out, so no function gets it,',
  done: 'done: the function took it',
  reportedFailed: 'reported as failed by the function',
  deadLettered: 'a dead letter',
  dropped: 'given up and dropped',
  expired: 'dropped because it was too old',
};

/** The text with one full stop at its end; a reason may have one already. */
function ended(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}
