/** The change that runs an invocation again. It moves no offset, and the new run names the old one. */

import { prettyJson } from './bytes.ts';
import type { Change } from './change.tsx';
import { placeOf } from './route.ts';

interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

interface Again {
  readonly id: string;
  readonly mode?: string;
  readonly payload?: string | undefined;
  readonly record?: RecordPlace;
  readonly records: readonly RecordPlace[];
}

const MODES = [
  ['same', 'The same event'],
  ['edited', 'An edited event'],
  ['record', 'One record alone'],
  ['without', 'The batch without one record'],
] as const;

const textOf = ({ topic, partition, offset }: RecordPlace) => `${topic} ${partition}:${offset}`;

export function againChange({ id, mode = 'same', payload, record, records }: Again): Change {
  const isWithRecord = (chosen: string | undefined) => chosen === 'record' || chosen === 'without';
  const modes = MODES.filter(([one]) => one !== 'edited' || payload !== undefined).filter(
    ([one]) => one !== 'without' || records.length > 1,
  );
  const first = record ?? records[0];
  return {
    title: 'Run again',
    path: `/api/invocations/${encodeURIComponent(id)}/again`,
    verb: 'Run',
    entries: [
      { name: 'mode', label: 'What to run', kind: 'choice', choices: modes },
      {
        name: 'record',
        label: 'Record',
        kind: 'choice',
        choices: records.map((one) => [textOf(one), textOf(one)] as const),
        isAsked: (values) => isWithRecord(values.mode),
      },
      {
        name: 'payload',
        label: 'Event',
        hint: 'The JSON that the function gets; the values are base64',
        kind: 'long',
        isAsked: (values) => values.mode === 'edited',
      },
    ],
    values: {
      mode,
      record: first ? textOf(first) : '',
      payload: payload === undefined ? '' : (prettyJson(payload) ?? payload),
    },
    body: ({ mode: chosen, record: wanted, payload: edited }) => {
      if (chosen === 'edited') return edited ? { mode: chosen, payload: edited } : undefined;
      if (!isWithRecord(chosen)) return { mode: chosen };
      const found = records.find((one) => textOf(one) === wanted);
      if (!found) return undefined;
      const { topic, partition, offset } = found;
      return { mode: chosen, record: { topic, partition, offset } };
    },
    done: (answer) => {
      const made = (answer as { readonly id?: string }).id;
      if (made) location.hash = placeOf(['invocations', made]);
      return 'It has run again.';
    },
  };
}
