/** The view of the mappings as they are now. */
import type {
  InvocationState,
  InvocationSummary,
  Page,
  RecordState,
} from '../../recorder/types.ts';
import { type HistoryView, SAMPLES } from '../history.ts';
import type { MappingView } from '../mappings.ts';
import { type Change, ChangeButton, type Entry } from './change.tsx';
import { pointsOf } from './chart.ts';
import { useData } from './data.tsx';
import { countText, durationText, figureText, numberText } from './format.ts';
import { Empty, Facts, Head, Loaded, State, Table, Time } from './parts.tsx';
import { placeOf, queryOf } from './route.ts';

export interface MappingsAnswer {
  readonly service: string;
  readonly stage: string;
  readonly allowChanges: boolean;
  readonly isRecorded: boolean;
  readonly mappings: readonly MappingView[];
}

/** The partitions that are shown; the others are counted. */
const SHOWN = 12;

/** No event tells of changes that only Kafka knows, such as the lag of a paused mapping. */
const KAFKA_MS = 5_000;

export function Now() {
  const data = useData<MappingsAnswer>('/api/mappings', ['mapping'], KAFKA_MS);
  return (
    <>
      <Head title="Now">Each mapping, what it waits for, and the last five minutes.</Head>
      <Loaded data={data}>
        {({ mappings, isRecorded }) =>
          mappings.length === 0 ? (
            <Empty title="No mapping runs here">
              A function with a Kafka event in its service or template appears here.
            </Empty>
          ) : (
            mappings.map((mapping) => (
              <Mapping
                key={mapping.uuid || mapping.name}
                mapping={mapping}
                isRecorded={isRecorded}
                reload={data.reload}
              />
            ))
          )
        }
      </Loaded>
    </>
  );
}

interface MappingProps {
  readonly mapping: MappingView;
  readonly isRecorded: boolean;
  readonly reload: () => void;
}

function Mapping({ mapping, isRecorded, reload }: MappingProps) {
  const { uuid, name, group, state, lag, counts, why, partitions, history } = mapping;
  const id = `mapping-${uuid || name}`;
  const records = (chosen: RecordState) => placeOf(['records'], { mapping: uuid, state: chosen });
  const invocations = (chosen?: InvocationState) =>
    placeOf(['invocations'], { mapping: uuid, state: chosen });
  const figures: Figure[] = [
    { label: 'Lag', text: lag === undefined ? '–' : figureText(lag) },
    { label: 'Finished / s', text: rateOf(history) },
    { label: 'Invocations', count: counts?.invocations, href: invocations() },
    { label: 'Failed', count: counts?.failedInvocations, href: invocations('failed'), isBad: true },
    { label: 'Filtered out', count: counts?.filtered, href: records('filteredOut') },
    { label: 'Dead letters', count: counts?.sentToDestination, href: records('deadLettered') },
    { label: 'Dropped', count: counts?.dropped, href: records('dropped'), isBad: true },
  ];
  return (
    <section class="card" aria-labelledby={id}>
      <header class="card-head">
        <div>
          <h2 id={id}>
            {name} <State of={state} />
          </h2>
          {group && (
            <p class="quiet">
              group <code>{group}</code>
            </p>
          )}
        </div>
        {uuid && <Actions mapping={mapping} reload={reload} />}
      </header>
      {uuid && (
        <dl class="figures">
          {figures.map((figure) => (
            <div key={figure.label}>
              <dt>{figure.label}</dt>
              <dd class={figure.isBad && figure.count ? 'bad' : ''}>
                <FigureValue of={figure} isRecorded={isRecorded} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      <ul class="why" aria-label={`What holds ${name} up`}>
        {why.map((reason) => (
          <li key={reason}>{sentence(reason)}</li>
        ))}
      </ul>
      {partitions.length > 0 && <Partitions mapping={mapping} />}
      {uuid && isRecorded && <LastErrors uuid={uuid} />}
      {uuid && <Settings mapping={mapping} />}
    </section>
  );
}

interface Figure {
  readonly label: string;
  readonly text?: string;
  readonly count?: number | undefined;
  /** The list of what is counted. */
  readonly href?: string;
  readonly isBad?: boolean;
}

function FigureValue({
  of: { label, count = 0, text = figureText(count), href },
  isRecorded,
}: {
  of: Figure;
  isRecorded: boolean;
}) {
  if (!href || count === 0 || !isRecorded) return text;
  return (
    <a href={href} aria-label={`${label}: ${text}`}>
      {text}
    </a>
  );
}

function Partitions({ mapping }: { mapping: MappingView }) {
  const { uuid, name, topic, partitions, history } = mapping;
  const busiest = partitions
    .toSorted((a, b) => b.lag - a.lag || a.partition - b.partition)
    .slice(0, SHOWN)
    .toSorted((a, b) => a.partition - b.partition);
  const rest = partitions.length - busiest.length;
  const top = Math.max(
    1,
    ...busiest.flatMap(({ partition }) => (history.lag[partition] ?? []).map((one) => one ?? 0)),
  );
  type Row = (typeof partitions)[number];
  return (
    <>
      <Table<Row>
        label={`Partitions of ${topic} for ${name}`}
        rows={busiest}
        keyOf={({ partition }) => String(partition)}
        columns={[
          {
            name: 'Partition',
            isTitle: true,
            cell: ({ partition }) => <Partition of={partition} />,
          },
          {
            name: 'Committed',
            isNumber: true,
            cell: ({ committed }) =>
              committed === undefined ? <span class="quiet">nothing</span> : numberText(committed),
          },
          { name: 'End', isNumber: true, cell: ({ end }) => numberText(end) },
          {
            name: 'Lag',
            isNumber: true,
            cell: ({ lag }) => <strong>{numberText(lag)}</strong>,
          },
          {
            name: 'Last five minutes',
            cell: ({ partition }) => (
              <LagChart partition={partition} values={history.lag[partition] ?? []} top={top} />
            ),
          },
          {
            name: 'Blocked by',
            isWide: true,
            cell: ({ partition, blocked }) =>
              blocked ? (
                <>
                  <a href={placeOf(['records', uuid, topic, partition, blocked.offset])}>
                    offset {blocked.offset}
                  </a>{' '}
                  for <Since at={blocked.since} />, {countText(blocked.attempts, 'attempt')}:{' '}
                  {blocked.reason}
                </>
              ) : (
                <span class="quiet">nothing</span>
              ),
          },
        ]}
      />
      {rest > 0 && (
        <p class="quiet note">
          {countText(rest, 'other partition')}, with a smaller lag each. The command “status” lists
          all of them.
        </p>
      )}
    </>
  );
}

/** On a narrow screen the number stands without the column's name. */
const Partition = ({ of }: { of: number }) => (
  <>
    <span class="narrow">Partition </span>
    {of}
  </>
);

const Since = ({ at }: { at: number }) => <>{durationText(Math.max(0, Date.now() - at))}</>;

const CHART = { width: 180, height: 28 } as const;

function LagChart({
  partition,
  values,
  top,
}: {
  partition: number;
  values: readonly (number | null)[];
  top: number;
}) {
  const { width, height } = CHART;
  const known = values.filter((value) => value !== null);
  // The right edge is now, also while there is less than the whole time.
  const whole = [...Array<null>(Math.max(0, SAMPLES - values.length)).fill(null), ...values];
  const { line, area } = pointsOf(whole, top, width, height - 2);
  const highest = Math.max(0, ...known);
  const said =
    known.length === 0
      ? `Lag of partition ${partition}: not known yet`
      : `Lag of partition ${partition}: ${known.at(-1)} now, ${highest} at most in the last five minutes`;
  return (
    <span class="chart">
      <svg viewBox={`0 -1 ${width} ${height}`} role="img" aria-label={said}>
        <path class="base" d={`M0 ${height - 2}H${width}`} />
        <path class="area" d={area} />
        <path class="line" d={line} />
      </svg>
      <span class="quiet" aria-hidden="true">
        max {figureText(highest)}
      </span>
    </span>
  );
}

function LastErrors({ uuid }: { uuid: string }) {
  const query = queryOf({ mapping: uuid, state: 'failed', limit: 3 });
  const { value } = useData<Page<InvocationSummary>>(`/api/invocations${query}`, ['invocation']);
  if (!value?.items.length) return null;
  return (
    <section class="errors" aria-label="Last errors">
      <h3>Last errors</h3>
      <ul>
        {value.items.map(({ id, startedAt, error, records, attempt }) => (
          <li key={id}>
            <a href={placeOf(['invocations', id])}>
              <Time at={startedAt} isAgo />
            </a>{' '}
            <span class="quiet">
              {countText(records, 'record')}, attempt {attempt}
            </span>{' '}
            {error}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Settings({ mapping }: { mapping: MappingView }) {
  const { settings, servers, lastResult, lastResultAt } = mapping;
  return (
    <details>
      <summary>Settings and last result</summary>
      <Facts
        of={[
          lastResult !== undefined && [
            'Last result',
            <>
              {lastResult} {lastResultAt && <Time at={Date.parse(lastResultAt)} isAgo />}
            </>,
          ],
          ['Servers', servers.join(', ')],
          ...Object.entries(settings).map(
            ([name, value]) =>
              [
                spaced(name),
                <code>{typeof value === 'object' ? JSON.stringify(value) : String(value)}</code>,
              ] as const,
          ),
        ]}
      />
    </details>
  );
}

/** A name of AWS's as words: "Batch size". */
function spaced(name: string): string {
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const POSITION: readonly Entry[] = [
  {
    name: 'to',
    label: 'Move to',
    kind: 'choice',
    choices: [
      ['beginning', 'the beginning: every record that Kafka still has'],
      ['end', 'the end: skip everything that waits'],
      ['timestamp', 'a time'],
      ['offset', 'an offset of one partition'],
    ],
  },
  { name: 'time', label: 'Time', kind: 'time', isAsked: ({ to }) => to === 'timestamp' },
  { name: 'partition', label: 'Partition', kind: 'number', isAsked: ({ to }) => to === 'offset' },
  { name: 'offset', label: 'Offset', kind: 'number', isAsked: ({ to }) => to === 'offset' },
];

function Actions({ mapping, reload }: { mapping: MappingView; reload: () => void }) {
  const { uuid, name, isEnabled, settings } = mapping;
  const at = `/api/mappings/${uuid}`;
  const change = (own: Omit<Change, 'done'> & { said: string }): Change => ({
    ...own,
    done: () => {
      reload();
      return own.said;
    },
  });
  return (
    <div class="actions">
      {isEnabled ? (
        <ChangeButton
          change={change({
            title: `Pause ${name}`,
            path: `${at}/pause`,
            verb: 'Pause',
            said: `${name} pauses.`,
          })}
          label={`Pause ${name}`}
        >
          Pause…
        </ChangeButton>
      ) : (
        <ChangeButton
          isMain
          change={change({
            title: `Resume ${name}`,
            path: `${at}/resume`,
            verb: 'Resume',
            said: `${name} goes on.`,
          })}
          label={`Resume ${name}`}
        >
          Resume…
        </ChangeButton>
      )}
      <ChangeButton
        label={`Change the batch size of ${name}`}
        change={change({
          title: `Batch size of ${name}`,
          path: `${at}/batch-size`,
          verb: 'Change',
          entries: [
            { name: 'size', label: 'Records in a batch', kind: 'number', hint: 'From 1 to 10,000' },
          ],
          values: { size: String(settings.BatchSize ?? '') },
          body: ({ size }) => (size ? { size: Number(size) } : undefined),
          said: `${name} has another batch size.`,
        })}
      >
        Batch size…
      </ChangeButton>
      <ChangeButton
        label={`Move the group of ${name}`}
        change={change({
          title: `Move the group of ${name}`,
          path: `${at}/position`,
          verb: 'Move',
          entries: POSITION,
          values: { to: 'beginning', partition: '0' },
          body: ({ to, time, partition, offset }) => {
            if (to === 'timestamp')
              return time ? { to: { timestamp: Date.parse(time) } } : undefined;
            if (to !== 'offset') return { to };
            if (!partition || !offset) return undefined;
            return { to: { partition: Number(partition), offset: Number(offset) } };
          },
          said: `The group of ${name} is moved.`,
        })}
      >
        Move…
      </ChangeButton>
    </div>
  );
}

/** Records finished in a second, over the last ten seconds. */
function rateOf({ at, finished }: HistoryView): string {
  const last = at.at(-1);
  const from = at.findIndex((one) => last !== undefined && one >= last - 10_000);
  if (last === undefined || from < 0 || from === at.length - 1) return '–';
  const sum = finished.slice(from + 1).reduce((total, one) => total + one, 0);
  const rate = sum / ((last - (at[from] ?? last)) / 1_000);
  return rate > 0 && rate < 0.1 ? '< 0.1' : figureText(rate);
}

const sentence = (text: string) =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?)]$/.test(text) ? '' : '.'}`;
