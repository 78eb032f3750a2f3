/** The views of all invocations, and of one. */
import { useMemo } from 'preact/hooks';
import { inReadingOrder } from '../../harmless.ts';
import {
  INVOCATION_STATES,
  type Invocation,
  type InvocationSummary,
  type Page,
} from '../../recorder/types.ts';
import { stateWords } from '../states.ts';
import { againChange } from './again.tsx';
import { ChangeButton } from './change.tsx';
import { imported, useData } from './data.tsx';
import { countText, durationText } from './format.ts';
import { Logs } from './logs.tsx';
import { Box, Empty, Facts, Field, Head, Loaded, Pages, State, Table, Time } from './parts.tsx';
import { recordPlace } from './records.tsx';
import { type Place, placeOf, queryOf } from './route.ts';
import { InvocationSpans } from './traces.tsx';
import { readable } from './value.tsx';

const PAGE = 50;
/** A batch may have 10 000 records. */
const SHOWN = 100;

export function Invocations({ place: { query } }: { place: Place }) {
  const { mapping, state, cursor } = query;
  const data = useData<Page<InvocationSummary>>(
    `/api/invocations${queryOf({ mapping, state, cursor, limit: PAGE })}`,
    cursor ? [] : ['invocation'],
  );
  return (
    <>
      <Head title="Invocations">Each call of a function with a batch, the newest first.</Head>
      <div class="search">
        <div class="row">
          <Field label="State">
            {(id) => (
              <select
                id={id}
                value={state ?? ''}
                onChange={({ currentTarget }) => {
                  location.hash = placeOf(['invocations'], { mapping, state: currentTarget.value });
                }}
              >
                <option value="">any</option>
                {INVOCATION_STATES.map((one) => (
                  <option key={one} value={one}>
                    {stateWords(one)}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
        {mapping && (
          <div class="actions">
            <a href={placeOf(['invocations'], { state })}>Show those of all mappings</a>
          </div>
        )}
      </div>
      <Loaded data={data}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty
              title={
                state ? `No invocation is ${stateWords(state)}` : 'No function was invoked yet'
              }
            >
              An invocation appears here as soon as a mapping has a batch.
            </Empty>
          ) : (
            <div class="card">
              <Table<InvocationSummary>
                label="Invocations"
                rows={items}
                keyOf={({ id }) => id}
                columns={[
                  {
                    name: 'Started at',
                    isTitle: true,
                    cell: ({ id, startedAt }) => (
                      <a href={placeOf(['invocations', id])}>
                        <Time at={startedAt} />
                      </a>
                    ),
                  },
                  { name: 'Function', cell: ({ functionKey }) => functionKey },
                  { name: 'State', cell: (one) => <State of={one.state} /> },
                  { name: 'Records', isNumber: true, cell: ({ records }) => records },
                  { name: 'Attempt', isNumber: true, cell: ({ attempt }) => attempt },
                  {
                    name: 'Duration',
                    isNumber: true,
                    cell: ({ durationMs }) =>
                      durationMs === undefined ? '–' : durationText(durationMs),
                  },
                  {
                    name: 'Error',
                    isWide: true,
                    cell: ({ error, originalId }) => (
                      <>
                        {originalId && <span class="quiet">Run again by hand. </span>}
                        {error && <span class="clip">{inReadingOrder(error)}</span>}
                      </>
                    ),
                  },
                ]}
              />
              <Pages
                first={placeOf(['invocations'], { mapping, state })}
                next={next && placeOf(['invocations'], { mapping, state, cursor: next })}
                isFirst={!cursor}
              />
            </div>
          )
        }
      </Loaded>
    </>
  );
}

export function OneInvocation({ place }: { place: Place }) {
  const [, id = ''] = place.segments;
  const data = useData<Invocation>(`/api/invocations/${encodeURIComponent(id)}`, ['invocation']);
  return (
    <>
      <a class="back" href="#/invocations">
        ← Invocations
      </a>
      <Loaded data={data}>{(one) => <Whole key={one.id} of={one} />}</Loaded>
      {data.value === undefined && <Head title="Invocation">{id}</Head>}
    </>
  );
}

function Whole({ of }: { of: Invocation }) {
  const { id, requestId, functionKey, state, startedAt, durationMs, attempt, records } = of;
  const { coldStart, error, originalId, payload, answer, logs, recordIds, redacted } = of;
  const whole = `/api/invocations/${encodeURIComponent(id)}`;
  // A payload may have 6 MB.
  const texts = useMemo(
    () => ({ answer: readable(answer ?? ''), payload: readable(payload ?? '') }),
    [answer, payload],
  );
  const change = useMemo(() => againChange({ id, payload, records: recordIds }), [id, payload]);
  return (
    <>
      <Head
        title={`Invocation of ${functionKey}`}
        actions={
          imported === undefined && (
            <ChangeButton isMain change={change}>
              Run again…
            </ChangeButton>
          )
        }
      >
        <State of={state} /> <code>{id}</code>
      </Head>
      {error && <p class="callout bad">{error}</p>}
      {originalId && (
        <p class="callout">
          Run again by hand from{' '}
          <a href={placeOf(['invocations', originalId])}>another invocation</a>. It has moved no
          offset.
        </p>
      )}
      <div class="card">
        <Facts
          of={[
            ['Started at', <Time at={startedAt} />],
            ['Duration', durationMs === undefined ? 'not ended' : durationText(durationMs)],
            ['Attempt', attempt],
            ['Records', records],
            coldStart !== undefined && ['Cold start', coldStart ? 'yes' : 'no'],
            requestId !== undefined && requestId !== id && ['Request id', <code>{requestId}</code>],
          ]}
        />
      </div>
      <InvocationSpans id={id} />
      <div class="two">
        <div>
          <section class="card">
            <h2>Logs</h2>
            <Logs of={logs} />
          </section>
          <section class="card">
            <h2>Answer</h2>
            {answer === undefined ? (
              <p class="quiet">None yet</p>
            ) : (
              <Box label="Answer" text={texts.answer} whole={whole} />
            )}
          </section>
        </div>
        <div>
          <section class="card">
            <h2>Payload</h2>
            {redacted && <p class="quiet">Private values are replaced.</p>}
            {payload === undefined ? (
              <p class="quiet">Its records are no longer kept.</p>
            ) : (
              <Box label="Payload" text={texts.payload} whole={whole} />
            )}
          </section>
          <section class="card">
            <h2>{countText(recordIds.length, 'record')}</h2>
            <ul class="places">
              {recordIds.slice(0, SHOWN).map((one) => (
                <li key={`${one.topic} ${one.partition}:${one.offset}`}>
                  <a href={recordPlace(one)}>
                    {one.topic} {one.partition}:{one.offset}
                  </a>
                </li>
              ))}
            </ul>
            {recordIds.length > SHOWN && <p class="quiet">and {recordIds.length - SHOWN} more</p>}
          </section>
        </div>
      </div>
    </>
  );
}
