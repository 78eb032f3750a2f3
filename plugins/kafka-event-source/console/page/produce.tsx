/** The view that writes a record: by hand, as a copy of one that was there, or a canned event. */
import { useState } from 'preact/hooks';
import type { Kind } from '../../commands/canned.ts';
import type { Bytes, RecordLife } from '../../recorder/types.ts';
import { bytesOf, textOf } from './bytes.ts';
import { type Change, ChangeButton, Entered, type Entry, type Values } from './change.tsx';
import { useData } from './data.tsx';
import type { MappingsAnswer } from './now.tsx';
import { Field, Head, Loaded, Problem } from './parts.tsx';
import type { Place } from './route.ts';

const ENTRIES: readonly Entry[] = [
  { name: 'key', label: 'Key', kind: 'text', hint: 'Empty for none' },
  { name: 'partition', label: 'Partition', kind: 'number', hint: 'Empty: chosen by the key' },
  {
    name: 'encoding',
    label: 'Key, value and headers are',
    kind: 'choice',
    choices: [
      ['utf8', 'text'],
      ['base64', 'base64'],
    ],
  },
];

const CANNED = [
  ['tombstone', 'a record without a value, and one without a key'],
  ['poison', 'a good record, and one whose value is not JSON'],
  ['partitions', 'records of several partitions'],
  ['self-managed', 'one good record'],
] as const satisfies readonly (readonly [Kind, string])[];

export function Produce({ place: { query } }: { place: Place }) {
  const { mapping, topic, partition, offset } = query;
  const about = useData<MappingsAnswer>('/api/mappings');
  const isCopy = mapping !== undefined && topic !== undefined;
  const path = [mapping, topic, partition, offset].map((one) => encodeURIComponent(one ?? ''));
  const copied = useData<RecordLife>(isCopy ? `/api/records/${path.join('/')}` : undefined);
  return (
    <>
      <Head title="Produce">Write a record to a topic of the mappings’ cluster.</Head>
      <Problem error={copied.error} />
      <Loaded data={about}>
        {({ mappings }) =>
          !copied.isLoading && (
            <Form
              key={path.join()}
              original={copied.value}
              topics={[...new Set(mappings.map((one) => one.topic))].filter(Boolean)}
              topic={topic}
            />
          )
        }
      </Loaded>
    </>
  );
}

interface FormProps {
  /** The record that is copied. */
  readonly original: RecordLife | undefined;
  readonly topics: readonly string[];
  readonly topic: string | undefined;
}

/** Shown only when all its values are there, so that no field changes while somebody types. */
function Form({ original, topics, topic = topics[0] ?? '' }: FormProps) {
  const [values, setValues] = useState<Values>(() =>
    original ? valuesOf(original) : { topic, encoding: 'utf8' },
  );
  const set = (name: string) => (value: string) =>
    setValues((before) => ({ ...before, [name]: value }));
  return (
    <>
      {original && (
        <p class="callout">
          A copy of {original.topic} {original.partition}:{original.offset}. Change it as you like.
          {original.value?.redacted && ' Its private values are replaced.'}
        </p>
      )}
      <form class="card form" onSubmit={(event) => event.preventDefault()}>
        <Field label="Topic">
          {(id) => (
            <>
              <input
                id={id}
                list="topics"
                autocomplete="off"
                value={values.topic ?? ''}
                onInput={({ currentTarget }) => set('topic')(currentTarget.value)}
              />
              <datalist id="topics">
                {topics.map((one) => (
                  <option key={one} value={one} />
                ))}
              </datalist>
            </>
          )}
        </Field>
        <div class="row">
          {ENTRIES.map((entry) => (
            <Entered
              key={entry.name}
              entry={entry}
              value={values[entry.name] ?? ''}
              set={set(entry.name)}
            />
          ))}
        </div>
        <Entered
          entry={{ name: 'value', label: 'Value', kind: 'long' }}
          value={values.value ?? ''}
          set={set('value')}
        />
        <Field label="Headers" hint="One in a line, as name: value">
          {(id) => (
            <textarea
              id={id}
              rows={3}
              spellcheck={false}
              value={values.headers ?? ''}
              onInput={({ currentTarget }) => set('headers')(currentTarget.value)}
            />
          )}
        </Field>
        <label class="check">
          <input
            type="checkbox"
            checked={values.tombstone === 'yes'}
            onChange={({ currentTarget }) => set('tombstone')(currentTarget.checked ? 'yes' : '')}
          />
          No value (a tombstone)
        </label>
        <div class="actions">
          <ChangeButton isMain change={change('Produce a record', bodyOf(values))}>
            Produce…
          </ChangeButton>
        </div>
      </form>
      <section class="card form" aria-labelledby="canned-title">
        <h2 id="canned-title">Canned events</h2>
        <ul class="canned">
          {CANNED.map(([kind, text]) => (
            <li key={kind}>
              <ChangeButton
                label={`Produce the canned event ${kind}`}
                change={change(`Produce ${kind}`, { topic: values.topic, canned: kind })}
              >
                {`${kind}…`}
              </ChangeButton>{' '}
              <span class="quiet">{text}</span>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

function change(title: string, body: object): Change {
  return {
    title,
    path: '/api/records',
    verb: 'Produce',
    body: () => body,
    done: (answer) => {
      const { partition, offset } = answer as { partition?: number; offset?: string };
      return `It is on partition ${partition} at offset ${offset}.`;
    },
  };
}

function bodyOf({ topic, key, partition, encoding, value, headers = '', tombstone }: Values) {
  const pairs = headers
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = line.trim(), text = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
      return [name.trim(), text];
    });
  return {
    topic,
    encoding,
    ...(key && { key }),
    value: tombstone ? null : (value ?? ''),
    ...(partition && { partition: Number(partition) }),
    ...(pairs.length > 0 && { headers: pairs }),
  };
}

/** The record as fields: as text where all of it is text. */
function valuesOf({ topic, partition, key, value, headers }: RecordLife): Values {
  const all = [key, value, ...headers.map(([, one]) => one)].filter((one) => one !== undefined);
  const isText = all.every(({ base64 }) => textOf(bytesOf(base64)) !== undefined);
  const shown = (one: Bytes | undefined) => {
    if (!one) return '';
    return isText ? (textOf(bytesOf(one.base64)) ?? '') : one.base64;
  };
  return {
    topic,
    partition: String(partition),
    encoding: isText ? 'utf8' : 'base64',
    key: shown(key),
    value: shown(value),
    headers: headers.map(([name, one]) => `${name}: ${shown(one)}`).join('\n'),
    tombstone: value ? '' : 'yes',
  };
}
