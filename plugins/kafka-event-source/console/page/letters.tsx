/** The view of the dead letters: why they are there, and how they go back. */
import { useState } from 'preact/hooks';
import type { LetterPage, LetterRow } from '../../actions/letters.ts';
import { inReadingOrder } from '../../harmless.ts';
import { type Change, ChangeButton } from './change.tsx';
import { useData } from './data.tsx';
import { clockText, countText } from './format.ts';
import { Empty, Head, Loaded, Pages, Table } from './parts.tsx';
import { type Place, placeOf, queryOf } from './route.ts';

const idOf = ({ topic, partition, offset }: LetterRow) => `${topic} ${partition}:${offset}`;
const canGo = ({ outcome }: LetterRow) => outcome === 'would be redriven';

export function Letters({ place: { query } }: { place: Place }) {
  const { topic, cursor } = query;
  const data = useData<LetterPage>(`/api/letters${queryOf({ topic, cursor, limit: 50 })}`);
  return (
    <>
      <Head title="Dead letters">
        Records that no function could handle, with the reason. A redrive puts them back on their
        topics.
      </Head>
      <Loaded data={data}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty title="No dead letter">
              The Kafka topics that mappings have as their destination hold no letter.
            </Empty>
          ) : (
            <List key={cursor ?? ''} items={items} reload={data.reload}>
              <Pages
                first={placeOf(['letters'], { topic })}
                next={next && placeOf(['letters'], { topic, cursor: next })}
                isFirst={!cursor}
              />
            </List>
          )
        }
      </Loaded>
    </>
  );
}

interface ListProps {
  readonly items: readonly LetterRow[];
  readonly reload: () => void;
  readonly children: preact.ComponentChildren;
}

function List({ items, reload, children }: ListProps) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const choose = (id: string, isChosen: boolean) =>
    setChosen((before) => {
      const after = new Set(before);
      if (isChosen) after.add(id);
      else after.delete(id);
      return after;
    });
  const letters = items.filter((one) => chosen.has(idOf(one)));
  const topics = [...new Set(items.map((one) => one.topic))];
  const ofChosen = [...new Set(letters.map((one) => one.topic))];
  const done = (answer: unknown) => {
    setChosen(new Set());
    reload();
    const { counts } = answer as { counts?: { redriven?: number } };
    return `Put back ${countText(counts?.redriven ?? 0, 'letter')}.`;
  };
  const redrive = (own: Partial<Change>): Change => ({
    title: 'Redrive',
    path: '/api/letters/redrive',
    verb: 'Put back',
    done,
    ...own,
  });
  const places = (rows: readonly LetterRow[]) =>
    rows.map(({ partition, offset }) => ({ partition, offset }));
  return (
    <div class="card">
      <div class="actions">
        {ofChosen.length === 1 && (
          <ChangeButton
            isMain
            change={redrive({
              title: `Redrive ${countText(letters.length, 'letter')}`,
              body: () => ({ topic: ofChosen[0], letters: places(letters) }),
            })}
          >
            {`Redrive ${letters.length} chosen…`}
          </ChangeButton>
        )}
        <ChangeButton change={redrive(byFilter(topics))}>Redrive by filter…</ChangeButton>
        <button type="button" onClick={reload}>
          Read again
        </button>
        <span class="quiet" aria-live="polite">
          {ofChosen.length > 1
            ? 'Choose letters of one topic at a time.'
            : `${letters.length} of ${items.length} chosen`}
        </span>
      </div>
      <Table<LetterRow>
        label="Dead letters"
        rows={items}
        keyOf={idOf}
        columns={[
          {
            name: 'Choose',
            cell: (one) => (
              <input
                type="checkbox"
                aria-label={`Choose the letter ${idOf(one)}`}
                disabled={!canGo(one)}
                checked={chosen.has(idOf(one))}
                onChange={({ currentTarget }) => choose(idOf(one), currentTarget.checked)}
              />
            ),
          },
          { name: 'Letter', isTitle: true, cell: idOf },
          {
            name: 'Written at',
            cell: ({ at }) => (
              <span class="number">{at ? clockText(Date.parse(at), Date.now()) : '–'}</span>
            ),
          },
          {
            name: 'Record',
            cell: ({ original, key }) =>
              original && (
                <>
                  <a href={placeOf(['records'], original)}>
                    {original.topic} {original.partition}:{original.offset}
                  </a>
                  {key !== null && key !== undefined && (
                    <>
                      , key <code>{inReadingOrder(key)}</code>
                    </>
                  )}
                </>
              ),
          },
          {
            name: 'Reason',
            isWide: true,
            // The reason mostly begins with the condition.
            cell: ({ condition = '', reason }) =>
              inReadingOrder(reason.startsWith(condition) ? reason : `${condition}: ${reason}`),
          },
          {
            name: 'Redrive',
            cell: (one) =>
              canGo(one) ? (
                <ChangeButton
                  label={`Redrive the letter ${idOf(one)}`}
                  change={redrive({
                    title: `Redrive ${idOf(one)}`,
                    body: () => ({ topic: one.topic, letters: places([one]) }),
                  })}
                >
                  Redrive…
                </ChangeButton>
              ) : (
                <span class="quiet">
                  {one.outcome === 'done before' ? 'put back before' : (one.why ?? one.outcome)}
                </span>
              ),
          },
        ]}
      />
      {children}
    </div>
  );
}

function byFilter(topics: readonly string[]): Partial<Change> {
  return {
    title: 'Redrive by filter',
    entries: [
      {
        name: 'topic',
        label: 'Dead-letter topic',
        kind: 'choice',
        choices: topics.map((one) => [one, one] as const),
      },
      {
        name: 'reason',
        label: 'Text in the reason',
        kind: 'text',
        hint: 'Without a filter, every letter goes back',
      },
      { name: 'key', label: 'Key of the record', kind: 'text' },
      { name: 'condition', label: 'Condition', kind: 'text', hint: 'Such as RetriesExhausted' },
    ],
    values: { topic: topics[0] ?? '' },
    body: ({ topic, ...given }) => {
      const filter = Object.fromEntries(Object.entries(given).filter(([, value]) => value));
      return Object.keys(filter).length > 0 ? { topic, filter } : { topic, all: true };
    },
  };
}
