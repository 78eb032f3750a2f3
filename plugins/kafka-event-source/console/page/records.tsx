/** The view of all records: search, and one page of what it finds. */
import type { Explanation } from '../../actions/explain.ts';
import { inReadingOrder } from '../../harmless.ts';
import { type Page, RECORD_STATES, type RecordSummary } from '../../recorder/types.ts';
import { stateWords } from '../states.ts';
import { imported, useData } from './data.tsx';
import { Empty, Field, Head, Loaded, Pages, State, Table, Time } from './parts.tsx';
import { type Place, placeOf, queryOf } from './route.ts';

const PAGE = 50;
/** The name in an explanation where no mapping reads the topic. */
const NO_MAPPING = 'none';

/** The address of a record's own view. */
export const recordPlace = ({
  mapping,
  topic,
  partition,
  offset,
  topicId,
}: Pick<RecordSummary, 'mapping' | 'topic' | 'partition' | 'offset' | 'topicId'>): string =>
  placeOf(['records', mapping, topic, partition, offset], { topicId });

export function Records({ place: { query } }: { place: Place }) {
  const { cursor, from, to, ...search } = query;
  const times = { from: from && Date.parse(from), to: to && Date.parse(to) };
  const data = useData<Page<RecordSummary>>(
    `/api/records${queryOf({ ...search, ...times, cursor, limit: PAGE })}`,
    // An older page does not change below its reader.
    cursor ? [] : ['record'],
  );
  const pages = (next: string | undefined) => ({
    first: placeOf(['records'], { ...query, cursor: '' }),
    next: next && placeOf(['records'], { ...query, cursor: next }),
    isFirst: !cursor,
  });
  const isSearch = Object.keys({ ...search, ...times }).some((name) => query[name]);
  return (
    <>
      <Head title="Records">Each record that the mappings have read, the newest first.</Head>
      <Search key={JSON.stringify(query)} query={query} />
      <Loaded data={data}>
        {({ items, next }) =>
          items.length === 0 && next ? (
            <div class="card">
              <Empty title="None found so far">
                The search has looked at the newest records. Go on with the older ones.
              </Empty>
              <Pages {...pages(next)} />
            </div>
          ) : items.length === 0 ? (
            <>
              <Empty title={isSearch ? 'No record fits' : 'No record was read yet'}>
                {isSearch ? (
                  <a href="#/records">Show all records</a>
                ) : (
                  <>
                    A record appears here as soon as a mapping reads it.{' '}
                    <a href="#/produce">Produce one by hand</a>
                  </>
                )}
              </Empty>
              {imported === undefined && <WhyNone query={query} />}
            </>
          ) : (
            <div class="card">
              <Table<RecordSummary>
                label="Records"
                rows={items}
                keyOf={({ mapping, topic, topicId, partition, offset }) =>
                  [mapping, topic, topicId, partition, offset].join()
                }
                columns={[
                  {
                    name: 'Record',
                    isTitle: true,
                    cell: (one) => (
                      <a href={recordPlace(one)}>
                        {one.topic} {one.partition}:{one.offset}
                      </a>
                    ),
                  },
                  { name: 'Read at', cell: ({ seenAt }) => <Time at={seenAt} /> },
                  {
                    name: 'State',
                    cell: ({ state }) => <State of={state} />,
                  },
                  { name: 'Attempts', isNumber: true, cell: ({ attempts }) => attempts },
                  { name: 'Function', cell: ({ functionKey }) => functionKey },
                  { name: 'Key', cell: ({ keyPreview }) => <Preview text={keyPreview} /> },
                  {
                    name: 'Value',
                    isWide: true,
                    cell: ({ valuePreview }) => <Preview text={valuePreview} />,
                  },
                ]}
              />
              <Pages {...pages(next)} />
            </div>
          )
        }
      </Loaded>
    </>
  );
}

/** The reasons why the mappings have not read the record that the search asks for. */
function WhyNone({ query: { topic, partition, offset, mapping } }: { query: Place['query'] }) {
  const data = useData<{ readonly items: readonly Explanation[] }>(
    `/api/explain${queryOf({ topic, partition, offset, mapping })}`,
    ['mapping', 'fault'],
  );
  return (
    <Loaded data={data}>
      {({ items }) => (
        <section class="card" aria-labelledby="why-none">
          <h2 id="why-none">{topic || offset ? 'Why there is none' : 'The mappings now'}</h2>
          {items.map(({ mapping: name, because }) => (
            <div key={name}>
              {name !== NO_MAPPING && <h3>{name}</h3>}
              <ul class="why">
                {because.map((reason) => (
                  <li key={reason}>{reason}</li>
                ))}
              </ul>
            </div>
          ))}
        </section>
      )}
    </Loaded>
  );
}

function Preview({ text }: { text: string | undefined }) {
  return text === undefined ? (
    <span class="quiet">none</span>
  ) : (
    <span class="clip">{inReadingOrder(text)}</span>
  );
}

const FIELDS = [
  ...['text', 'key', 'header', 'topic', 'partition', 'offset', 'state', 'from', 'to'],
  'mapping',
];

/** The fields hold their own values, so that a record that comes meanwhile does not undo what is typed. */
function Search({ query }: { query: Place['query'] }) {
  const find = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    location.hash = placeOf(
      ['records'],
      Object.fromEntries(FIELDS.map((name) => [name, String(given.get(name) ?? '').trim()])),
    );
  };
  const field = (name: string, label: string, type = 'search', hint?: string) => (
    <Field label={label} hint={hint}>
      {(id) => (
        <input
          id={id}
          name={name}
          type={type as 'search'}
          defaultValue={query[name] ?? ''}
          autocomplete="off"
        />
      )}
    </Field>
  );
  const isMore = ['header', 'topic', 'partition', 'offset', 'from', 'to'].some((one) => query[one]);
  return (
    <search>
      <form class="search" onSubmit={find}>
        <input type="hidden" name="mapping" defaultValue={query.mapping ?? ''} />
        <div class="row">
          {field('text', 'Text in the value')}
          {field('key', 'Key')}
          <Field label="State">
            {(id) => (
              <select id={id} name="state">
                <option value="">any</option>
                {RECORD_STATES.map((state) => (
                  <option key={state} value={state} selected={state === query.state}>
                    {stateWords(state)}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
        <details open={isMore}>
          <summary>More fields</summary>
          <div class="row">
            {field('header', 'Header', 'search', 'A name, or name=value')}
            {field('topic', 'Topic')}
            {field('partition', 'Partition', 'number')}
            {field('offset', 'Offset', 'number')}
            {field('from', 'Read from', 'datetime-local')}
            {field('to', 'Read until', 'datetime-local')}
          </div>
        </details>
        <div class="actions">
          <button type="submit" class="main">
            Search
          </button>
          {Object.keys(query).length > 0 && <a href="#/records">Show all</a>}
          {query.mapping && <span class="quiet">Of one mapping</span>}
        </div>
      </form>
    </search>
  );
}
