/** The view of one record: its life as a timeline, with the logs inside each attempt. */
import type { Invocation, LifeEvent, LifeEventKind, RecordLife } from '../../recorder/types.ts';
import { againChange } from './again.tsx';
import { bytesOf, textOf } from './bytes.ts';
import { ChangeButton } from './change.tsx';
import { imported, useData } from './data.tsx';
import { durationText } from './format.ts';
import { Logs } from './logs.tsx';
import type { Panels } from './panel.tsx';
import { Facts, Head, Loaded, State, Time } from './parts.tsx';
import { type Place, placeOf, queryOf } from './route.ts';
import { tracePlace } from './traces.tsx';
import { Value } from './value.tsx';

const TONES: Readonly<Record<LifeEventKind, '' | 'ok' | 'warn' | 'bad'>> = {
  read: '',
  filteredOut: '',
  batched: '',
  invoked: '',
  answered: 'ok',
  failed: 'bad',
  retried: 'warn',
  bisected: 'warn',
  throttled: 'warn',
  stoodStill: 'warn',
  committed: 'ok',
  sentToDestination: 'bad',
  destinationRefused: 'bad',
  dropped: 'bad',
  ranAgain: '',
};

/** A pause of this length is one line, whatever its length. */
const IDLE_MS = 5_000;
/** The attempts whose logs are read at once; those before are read when they are opened. */
const OPEN = 5;

export function Record({ place: { segments, query } }: { place: Place }) {
  const [, mapping = '', topic = '', partition = '', offset = ''] = segments;
  const path = [mapping, topic, partition, offset].map(encodeURIComponent).join('/');
  const { topicId } = query;
  const data = useData<RecordLife>(`/api/records/${path}${queryOf({ topicId })}`, [
    'record',
    'invocation',
  ]);
  return (
    <>
      <a class="back" href="#/records">
        ← Records
      </a>
      <Loaded data={data}>{(life) => <Life life={life} />}</Loaded>
      {data.value === undefined && (
        <Head title={`${topic} ${partition}:${offset}`}>The record is not shown.</Head>
      )}
    </>
  );
}

function Life({ life }: { life: RecordLife }) {
  const { topic, partition, offset, mapping, state, functionKey, attempts, why, reason } = life;
  const panels = useData<Panels>(imported === undefined ? '/api/panels' : undefined).value ?? [];
  const last = life.events.findLast(({ invocation }) => invocation)?.invocation;
  const record = { topic, partition, offset };
  const isFault = ['deadLettered', 'dropped', 'expired', 'retrying'].includes(state);
  return (
    <>
      <Head
        title={
          <>
            {topic} {partition}:{offset}
          </>
        }
        actions={
          <>
            {life.traceId && (
              <a class="button" href={tracePlace(life.traceId)}>
                Trace
              </a>
            )}
            {imported === undefined && (
              <>
                {last && (
                  <ChangeButton
                    change={againChange({ id: last, mode: 'record', record, records: [life] })}
                  >
                    Run this record alone…
                  </ChangeButton>
                )}
                {panels.map((panel) => (
                  <PanelLink key={panel.name} panel={panel} life={life} />
                ))}
                <a
                  class="button"
                  href={placeOf(['produce'], { mapping, topic, partition, offset })}
                >
                  Copy to Produce
                </a>
              </>
            )}
          </>
        }
      >
        <State of={state} /> for {functionKey}
      </Head>
      {(why ?? reason) && <p class={`callout ${isFault ? 'bad' : ''}`}>{why ?? reason}</p>}
      <div class="two">
        <section aria-labelledby="life-title">
          <h2 id="life-title" class="part">
            Life
          </h2>
          <Timeline events={life.events} />
        </section>
        <section aria-labelledby="content-title">
          <h2 id="content-title" class="part">
            Content
          </h2>
          <div class="card">
            <Facts
              of={[
                ['Record’s time', <Time at={life.timestamp} />],
                ['Read at', <Time at={life.seenAt} />],
                ['Attempts', attempts],
              ]}
            />
            <div>
              <h3>Key</h3>
              <Value label="Key" of={life.key} />
            </div>
            <div>
              <h3>Value</h3>
              <Value label="Value" of={life.value} />
            </div>
            <div>
              <h3>Headers</h3>
              {life.headers.length === 0 && <p class="quiet">None</p>}
              {life.headers.map(([name, value], index) => (
                <div key={index} class="header">
                  <p>
                    <code>{name}</code>
                  </p>
                  <Value label={`Header ${name}`} of={value} />
                </div>
              ))}
            </div>
          </div>
        </section>
      </div>
    </>
  );
}

/** The way from a record to the panel about the thing that its key names. */
function PanelLink({
  panel: { name, title, records },
  life: { topic, key },
}: {
  panel: Panels[number];
  life: RecordLife;
}) {
  const text = key && !key.redacted ? textOf(bytesOf(key.base64)) : undefined;
  if (!records?.topics.includes(topic) || !text) return null;
  return (
    <a class="button" href={placeOf(['panels', name], { [records.key]: text })}>
      {title}
    </a>
  );
}

interface Step {
  readonly invocation?: string | undefined;
  readonly events: readonly LifeEvent[];
}

/** The events in their order; those of one attempt together. */
function stepsOf(events: readonly LifeEvent[]): Step[] {
  const steps: { invocation?: string | undefined; events: LifeEvent[] }[] = [];
  for (const event of events) {
    const known = event.invocation && steps.find((one) => one.invocation === event.invocation);
    if (known) known.events.push(event);
    else steps.push({ invocation: event.invocation, events: [event] });
  }
  return steps;
}

function Timeline({ events }: { events: readonly LifeEvent[] }) {
  const steps = stepsOf(events);
  const attempts = steps.filter(({ invocation }) => invocation);
  return (
    <ol class="life">
      {steps.map((step, index) => {
        const [first] = step.events;
        const before = steps[index - 1]?.events.at(-1);
        const idle = first && before ? first.at - before.at : 0;
        const tone = step.events.map(({ kind }) => TONES[kind]).findLast((one) => one !== '') ?? '';
        const place = attempts.indexOf(step);
        return [
          idle > IDLE_MS && (
            <li key={`idle-${index}`} class="idle-time">
              {durationText(idle)} later
            </li>
          ),
          <li key={index} class={tone}>
            {step.invocation ? (
              <Attempt
                id={step.invocation}
                events={step.events}
                isOpen={place >= attempts.length - OPEN}
              />
            ) : (
              step.events.map((event) => <Said key={event.at} event={event} />)
            )}
          </li>,
        ];
      })}
    </ol>
  );
}

function Said({ event: { at, text } }: { event: LifeEvent }) {
  return (
    <p>
      <span class="quiet">
        <Time at={at} />
      </span>{' '}
      {text}
    </p>
  );
}

function Attempt({
  id,
  events,
  isOpen,
}: {
  id: string;
  events: readonly LifeEvent[];
  isOpen: boolean;
}) {
  return (
    <div class="attempt">
      {events.map((event) => (
        <Said key={`${event.at} ${event.kind}`} event={event} />
      ))}
      {isOpen ? (
        <AttemptLogs id={id} />
      ) : (
        <p>
          <a href={placeOf(['invocations', id])}>Logs, payload and answer</a>
        </p>
      )}
    </div>
  );
}

function AttemptLogs({ id }: { id: string }) {
  const { value } = useData<Invocation>(`/api/invocations/${encodeURIComponent(id)}`, [
    'invocation',
  ]);
  if (!value) return null;
  const { state, durationMs, records } = value;
  return (
    <>
      <p class="attempt-head">
        <State of={state} />
        {durationMs !== undefined && <span class="quiet">{durationText(durationMs)}</span>}
        <a href={placeOf(['invocations', id])}>
          Attempt {value.attempt}, with {records === 1 ? 'this record alone' : `${records} records`}
        </a>
      </p>
      <Logs of={value.logs} />
    </>
  );
}
