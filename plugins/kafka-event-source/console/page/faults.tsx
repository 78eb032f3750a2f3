/** The view of the faults that are set, and the banner that stays until they end. */
import type { Fault } from '../../actions/faults.ts';
import { type Change, ChangeButton } from './change.tsx';
import { useData } from './data.tsx';
import { countText } from './format.ts';
import type { MappingsAnswer } from './now.tsx';
import { Empty, Head, Loaded, Table, Time } from './parts.tsx';

interface FaultsAnswer {
  readonly items: readonly Fault[];
}

const KINDS: readonly (readonly [Fault['kind'], string])[] = [
  ['fail', 'Fail: the invocation ends with an error'],
  ['timeout', 'Time out: the invocation ends with a time-out'],
  ['throttle', 'Throttle: the invocation is refused with 429'],
  ['partial', 'Fail in part: the first record of the batch is reported'],
  ['delay', 'Delay: the invocation begins late'],
  ['registryAway', 'Schema registry away'],
  ['destinationAway', 'On-failure destination away'],
];

const isAway = (kind = '') => kind.endsWith('Away');

export function Faults() {
  const data = useData<FaultsAnswer>('/api/faults', ['fault']);
  const about = useData<MappingsAnswer>('/api/mappings', ['mapping']);
  const running = (about.value?.mappings ?? []).filter(({ uuid }) => uuid);
  const nameOf = (uuid: string) => running.find((one) => one.uuid === uuid)?.name ?? uuid;
  return (
    <>
      <Head
        title="Faults"
        actions={
          running.length > 0 && (
            <ChangeButton isMain change={newFault(running.map(({ uuid, name }) => [uuid, name]))}>
              Set a fault…
            </ChangeButton>
          )
        }
      >
        Let the next invocations go wrong, and see what your functions and their records do.
      </Head>
      <Loaded data={data}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No fault is set">Everything runs as it is.</Empty>
          ) : (
            <div class="card">
              <Table<Fault>
                label="Faults"
                rows={items}
                keyOf={({ id }) => id}
                columns={[
                  { name: 'Mapping', isTitle: true, cell: ({ mapping }) => nameOf(mapping) },
                  { name: 'Effect', isWide: true, cell: ({ will }) => will },
                  {
                    name: 'Used',
                    isNumber: true,
                    cell: ({ used, left }) =>
                      left === undefined ? used : `${used} of ${used + left}`,
                  },
                  { name: 'Since', cell: ({ since }) => <Time at={since} isAgo /> },
                  {
                    name: 'End',
                    cell: (fault) => (
                      <ChangeButton change={endFault(fault)} label={`End the fault: ${fault.will}`}>
                        End…
                      </ChangeButton>
                    ),
                  },
                ]}
              />
            </div>
          )
        }
      </Loaded>
    </>
  );
}

/** Stays on top of each view while something goes wrong on purpose. */
export function Banner() {
  const { value } = useData<FaultsAnswer>('/api/faults', ['fault']);
  const items = value?.items ?? [];
  return (
    <div aria-live="polite">
      {items.length > 0 && (
        <div class="banner">
          <p>
            <strong>{countText(items.length, 'fault')} on purpose.</strong> {items[0]?.will}
          </p>
          <a class="banner-link" href="#/faults">
            See and end
          </a>
        </div>
      )}
    </div>
  );
}

function newFault(mappings: readonly (readonly [string, string])[]): Change {
  return {
    title: 'Set a fault',
    path: '/api/faults',
    verb: 'Set',
    entries: [
      { name: 'mapping', label: 'Mapping', kind: 'choice', choices: mappings },
      { name: 'kind', label: 'Fault', kind: 'choice', choices: KINDS },
      {
        name: 'count',
        label: 'For how many calls',
        kind: 'number',
        hint: 'A service that is away stays away until you end it, if you leave this empty',
      },
      {
        name: 'delayMs',
        label: 'Delay in milliseconds',
        kind: 'number',
        isAsked: ({ kind }) => kind === 'delay',
      },
    ],
    values: { mapping: mappings[0]?.[0] ?? '', kind: 'fail', count: '1', delayMs: '1000' },
    body: ({ mapping, kind, count, delayMs }) => {
      if (!isAway(kind) && !count) return undefined;
      return {
        mapping,
        kind,
        ...(count && { count: Number(count) }),
        ...(kind === 'delay' && { delayMs: Number(delayMs) }),
      };
    },
    done: () => 'The fault is set.',
  };
}

function endFault({ id }: Fault): Change {
  return {
    title: 'End the fault',
    path: `/api/faults/${encodeURIComponent(id)}`,
    method: 'DELETE',
    verb: 'End',
    body: () => ({}),
    done: () => 'The fault has ended.',
  };
}
