/** The waterfall of a trace: a line for each span, record and invocation, with a bar where it has its time. */
import { useState } from 'preact/hooks';
import type { Attributes, JoinedSpan, Spans } from '../../recorder/types.ts';
import { durationText } from './format.ts';
import { Facts, State, Time } from './parts.tsx';
import { recordPlace } from './records.tsx';
import { placeOf } from './route.ts';
import { type Row, timeOf } from './waterfall.ts';

/** Deeper lines are not indented any further. */
const DEEPEST = 12;
const COLOURS = 6;

export function Waterfall({
  of,
  rows,
  label,
}: {
  of: Spans;
  /** Those of `rowsOf`. */
  rows: readonly Row[];
  label: string;
}) {
  const time = timeOf(rows);
  const services = [...new Set(of.spans.map(({ service }) => service))];
  return (
    <>
      <ol class="waterfall" aria-label={label}>
        {rows.map((row) => (
          <li key={row.key} class={toneOf(row, services)}>
            <Line row={row} time={time} />
          </li>
        ))}
      </ol>
      {of.isCut && <p class="quiet">Only the first {of.spans.length} spans are shown.</p>}
    </>
  );
}

/** Each service has a colour, beside its name. */
function toneOf(row: Row, services: readonly string[]): string {
  if (row.kind !== 'span') return row.kind;
  if (row.span.status === 'error') return 'bad';
  return `service-${services.indexOf(row.span.service) % COLOURS}`;
}

const laterText = (ms: number) => (ms < 0.05 ? '0 ms' : `+${durationText(ms)}`);

type Extent = ReturnType<typeof timeOf>;

function Line({ row, time }: { row: Row; time: Extent }) {
  const [isOpen, setOpen] = useState(false);
  const line = (
    <>
      <Name row={row} />
      <span class="waterfall-times number">
        <span class="quiet">{laterText(row.from - time.from)}</span>
        {row.durationMs !== undefined && <span>{durationText(row.durationMs)}</span>}
      </span>
      <Bar row={row} time={time} />
    </>
  );
  if (row.kind !== 'span') return <div class="waterfall-line">{line}</div>;
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary class="waterfall-line">{line}</summary>
      {isOpen && <SpanFacts of={row.span} />}
    </details>
  );
}

function Name({ row }: { row: Row }) {
  const indent = { '--depth': Math.min(row.depth, DEEPEST) };
  if (row.kind === 'record') {
    const { record } = row;
    const { topic, partition, offset, state } = record;
    return (
      <span class="waterfall-name" style={indent}>
        Record{' '}
        <a href={recordPlace(record)}>
          {topic} {partition}:{offset}
        </a>{' '}
        <State of={state} />
      </span>
    );
  }
  if (row.kind === 'invocation') {
    const { id, functionKey, state } = row.invocation;
    return (
      <span class="waterfall-name" style={indent}>
        <a href={placeOf(['invocations', id])}>Invocation of {functionKey}</a> <State of={state} />
      </span>
    );
  }
  const { name, service, status } = row.span;
  return (
    <span class="waterfall-name" style={indent}>
      {name || 'without a name'} <span class="quiet">{service}</span>{' '}
      {status === 'error' && <span class="state bad">error</span>}
    </span>
  );
}

function Bar({ row, time }: { row: Row; time: Extent }) {
  const percent = (ms: number) => `${time.ms === 0 ? 0 : Math.round((ms / time.ms) * 1e4) / 100}%`;
  const x = percent(row.from - time.from);
  return (
    <svg class="waterfall-bar" aria-hidden="true">
      {row.durationMs === undefined ? (
        <circle cx={x} cy="7" r="4" />
      ) : (
        <rect x={x} y="3" width={time.ms === 0 ? '100%' : percent(row.durationMs)} height="8" />
      )}
    </svg>
  );
}

function SpanFacts({ of }: { of: JoinedSpan }) {
  const { startedAt, kind, status, message, attributes, events, links, traceId, spanId } = of;
  const others = [...new Set(links.map((link) => link.traceId))].filter((id) => id !== traceId);
  return (
    <div class="waterfall-facts">
      <Facts
        of={[
          ['Started at', <Time at={startedAt} />],
          ['Kind', kind],
          ['Status', message === undefined ? status : `${status}: ${message}`],
          ['Span id', <code>{spanId}</code>],
          ...factsOf(attributes),
        ]}
      />
      {events.length > 0 && (
        <ul>
          {events.map(({ at, name, attributes: own }, index) => (
            <li key={index}>
              <span class="quiet number">{laterText(at - startedAt)}</span> {name}
              {Object.keys(own).length > 0 && <Facts of={factsOf(own)} />}
            </li>
          ))}
        </ul>
      )}
      {others.map((id) => (
        <p key={id}>
          Linked to <a href={placeOf(['trace', id])}>another trace</a>
        </p>
      ))}
    </div>
  );
}

const factsOf = (attributes: Attributes): [string, string][] =>
  Object.entries(attributes).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
