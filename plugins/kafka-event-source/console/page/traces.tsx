/** The views of all traces, and of one. */
import type { Page, Spans, Trace, TraceSummary } from '../../recorder/types.ts';
import { useData } from './data.tsx';
import { countText, durationText } from './format.ts';
import { Empty, Field, Head, Loaded, Pages, Table, Time } from './parts.tsx';
import { type Place, placeOf, queryOf } from './route.ts';
import { rowsOf, timeOf } from './waterfall.ts';
import { Waterfall } from './waterfall.tsx';

const PAGE = 50;

/** The address of a trace's own view. */
export const tracePlace = (id: string): string => placeOf(['trace', id]);

export function Traces({ place: { query } }: { place: Place }) {
  const { status, cursor } = query;
  const data = useData<Page<TraceSummary>>(
    `/api/traces${queryOf({ status, cursor, limit: PAGE })}`,
    cursor ? [] : ['trace'],
  );
  return (
    <>
      <Head title="Traces">
        The traces whose spans the emulator has received, the one with the newest span first.
      </Head>
      <div class="search">
        <div class="row">
          <Field label="Status">
            {(id) => (
              <select
                id={id}
                value={status ?? ''}
                onChange={({ currentTarget }) => {
                  location.hash = placeOf(['traces'], { status: currentTarget.value });
                }}
              >
                <option value="">any</option>
                <option value="error">with an error</option>
              </select>
            )}
          </Field>
        </div>
      </div>
      <Loaded data={data}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty title={status ? 'No trace has an error' : 'No span has come yet'}>
              <Endpoint />
            </Empty>
          ) : (
            <div class="card">
              <Table<TraceSummary>
                label="Traces"
                rows={items}
                keyOf={({ traceId }) => traceId}
                columns={[
                  {
                    name: 'Started at',
                    isTitle: true,
                    cell: ({ traceId, startedAt }) => (
                      <a href={tracePlace(traceId)}>
                        <Time at={startedAt} />
                      </a>
                    ),
                  },
                  {
                    name: 'First span',
                    isWide: true,
                    cell: ({ name }) => <span class="clip">{name}</span>,
                  },
                  { name: 'Services', cell: ({ services }) => services.join(', ') },
                  { name: 'Spans', isNumber: true, cell: ({ spans }) => spans },
                  {
                    name: 'Errors',
                    isNumber: true,
                    cell: ({ errors }) =>
                      errors === 0 ? '–' : <span class="state bad">{errors}</span>,
                  },
                  {
                    name: 'Duration',
                    isNumber: true,
                    cell: ({ durationMs }) => durationText(durationMs),
                  },
                ]}
              />
              <Pages
                first={placeOf(['traces'], { status })}
                next={next && placeOf(['traces'], { status, cursor: next })}
                isFirst={!cursor}
              />
            </div>
          )
        }
      </Loaded>
    </>
  );
}

export function OneTrace({ place }: { place: Place }) {
  const [, id = ''] = place.segments;
  const data = useData<Trace>(`/api/traces/${encodeURIComponent(id)}`, [
    'trace',
    'record',
    'invocation',
  ]);
  return (
    <>
      <a class="back" href="#/traces">
        ← Traces
      </a>
      <Loaded data={data}>{(trace) => <Whole key={trace.traceId} of={trace} />}</Loaded>
      {data.value === undefined && <Head title="Trace">{id}</Head>}
    </>
  );
}

function Whole({ of }: { of: Trace }) {
  const { traceId, spans, records, invocations } = of;
  const rows = rowsOf(of);
  const [first] = rows.filter((row) => row.kind === 'span');
  const { from, ms } = timeOf(rows);
  return (
    <>
      <Head title={`Trace ${(first?.kind === 'span' && first.span.name) || 'of a record'}`}>
        <code>{traceId}</code>
      </Head>
      {spans.length === 0 && (
        <p class="callout">
          No span of it has come. <Endpoint />
        </p>
      )}
      <section class="card" aria-labelledby="path-title">
        <h2 id="path-title">Path</h2>
        <p class="quiet">
          Begun at <Time at={from} />, {durationText(ms)}: {countText(spans.length, 'span')},{' '}
          {countText(records.length, 'record')}, {countText(invocations.length, 'invocation')}.
        </p>
        <Waterfall of={of} rows={rows} label="Path of the trace" />
      </section>
    </>
  );
}

/** The spans of an invocation; nothing if there are none. */
export function InvocationSpans({ id }: { id: string }) {
  const { value } = useData<Spans>(`/api/invocations/${encodeURIComponent(id)}/spans`, [
    'trace',
    'invocation',
  ]);
  if (!value || value.spans.length === 0) return null;
  const traces = [...new Set(value.spans.map(({ traceId }) => traceId))].slice(0, 5);
  return (
    <section class="card" aria-labelledby="waited-title">
      <h2 id="waited-title">Waited for</h2>
      <Waterfall of={value} rows={rowsOf(value)} label="Spans of the invocation" />
      <p class="actions">
        {traces.map((traceId) => (
          <a key={traceId} href={tracePlace(traceId)}>
            The whole trace of {value.spans.find((span) => span.traceId === traceId)?.name}
          </a>
        ))}
      </p>
    </section>
  );
}

function Endpoint() {
  return (
    <>
      Programs send their spans to <code>{location.origin}</code>: set{' '}
      <code>OTEL_EXPORTER_OTLP_ENDPOINT</code> to it.
    </>
  );
}
