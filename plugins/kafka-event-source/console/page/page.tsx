/** The page: its frame, its views by the address after the `#`, and what all views share. */
import { render } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Change, ChangeContext, ChangeDialog } from './change.tsx';
import { imported, LiveContext, useData, useLive } from './data.tsx';
import { Banner, Faults } from './faults.tsx';
import { ImportBanner, ImportFacts, ImportLinks } from './imports.tsx';
import { Invocations, OneInvocation } from './invocations.tsx';
import { Letters } from './letters.tsx';
import { type MappingsAnswer, Now } from './now.tsx';
import { PanelPage, type Panels } from './panel.tsx';
import { Empty, Field, Head } from './parts.tsx';
import { Produce } from './produce.tsx';
import { Record } from './record.tsx';
import { Records } from './records.tsx';
import { type Place, readPlace } from './route.ts';
import { OneTrace, Traces } from './traces.tsx';

interface ViewRow {
  /** The first segment of its address. */
  readonly path: string;
  /** The first segment of the address of one item's view, if it differs from the list's. */
  readonly of?: string;
  readonly name: string;
  readonly view: (place: Place) => preact.JSX.Element;
}

const MEMORY: readonly ViewRow[] = [
  {
    path: 'records',
    name: 'Records',
    view: (place) =>
      place.segments.length > 1 ? <Record place={place} /> : <Records place={place} />,
  },
  {
    path: 'invocations',
    name: 'Invocations',
    view: (place) =>
      place.segments.length > 1 ? <OneInvocation place={place} /> : <Invocations place={place} />,
  },
  {
    path: 'traces',
    of: 'trace',
    name: 'Traces',
    view: (place) =>
      place.segments[0] === 'trace' ? <OneTrace place={place} /> : <Traces place={place} />,
  },
];

/** An import has no running mappings. */
const VIEWS: readonly ViewRow[] =
  imported === undefined
    ? [
        {
          path: '',
          name: 'Now',
          view: () => (
            <>
              <Now />
              <ImportLinks />
            </>
          ),
        },
        ...MEMORY,
        { path: 'letters', name: 'Dead letters', view: (place) => <Letters place={place} /> },
        { path: 'produce', name: 'Produce', view: (place) => <Produce place={place} /> },
        { path: 'faults', name: 'Faults', view: () => <Faults /> },
      ]
    : [{ path: '', name: 'Import', view: () => <ImportFacts /> }, ...MEMORY];

const rowOf = (panel: Panels[number]): ViewRow => ({
  path: `panels/${panel.name}`,
  name: panel.title,
  view: (place) => <PanelPage key={panel.name} panel={panel} place={place} />,
});

function usePlace(): Place {
  const [place, setPlace] = useState(() => readPlace(location.hash));
  useEffect(() => {
    const changed = () => setPlace(readPlace(location.hash));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return place;
}

function Page() {
  const [isLocked, setLocked] = useState(false);
  const live = useLive(!isLocked, () => setLocked(true));
  return (
    <LiveContext.Provider value={live}>
      <Frame isLocked={isLocked} />
    </LiveContext.Provider>
  );
}

function Frame({ isLocked }: { isLocked: boolean }) {
  const place = usePlace();
  const about = useData<MappingsAnswer>('/api/mappings');
  const [opened, setOpened] = useState<{ readonly change: Change; readonly key: number }>();
  const panels = useData<Panels>(imported === undefined ? '/api/panels' : undefined);
  const [said, setSaid] = useState('');
  const main = useRef<HTMLElement>(null);
  const before = useRef('');
  const path = place.segments[0] ?? '';
  const rows = [...VIEWS, ...(panels.value ?? []).map(rowOf)];
  const where = place.segments.join('/');
  const row =
    rows.find((one) => one.path === path || one.of === path) ??
    rows.find((one) => one.path === where);
  useEffect(() => {
    document.title = `${row?.name ?? 'Not found'} · Kafka event source`;
    const isLink = before.current !== '' && before.current !== `/${where}`;
    before.current = `/${where}`;
    if (!isLink) return;
    scrollTo(0, 0);
    // A screen reader goes on at the heading of the view that a link has opened.
    main.current?.querySelector('h1')?.focus({ preventScroll: true });
  }, [where, row?.name]);
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(''), 6_000);
    return () => clearTimeout(timer);
  }, [said]);

  // Back and forward leave no dialog about another view.
  useEffect(() => setOpened(undefined), [place]);

  const openings = useRef(0);
  const open = useCallback((change: Change) => {
    openings.current += 1;
    setOpened({ change, key: openings.current });
  }, []);

  const { service, stage, allowChanges = true } = about.value ?? {};
  return (
    <ChangeContext.Provider value={open}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header class="side">
        <p class="brand">
          <img src="/page.svg" alt="" width="24" height="24" />
          <span>
            Kafka event source
            {service && (
              <span class="quiet">
                {service} · {stage}
              </span>
            )}
          </span>
        </p>
        <nav aria-label="Views">
          {rows.map(({ path: own, name }) => (
            <a key={own} href={`#/${own}`} aria-current={own === row?.path ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <Connection isLocked={isLocked} />
        {!allowChanges && <p class="quiet only-read">Changes are switched off.</p>}
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {!isLocked && (imported === undefined ? <Banner /> : <ImportBanner />)}
        {isLocked ? <Locked /> : (row?.view(place) ?? (!panels.isLoading && <NotFound />))}
      </main>
      <p class={`said ${said ? '' : 'none'}`} role="status">
        {said}
      </p>
      {opened && (
        <ChangeDialog
          key={opened.key}
          change={opened.change}
          isAllowed={allowChanges}
          close={(text) => {
            // The browser tells the end of a dialog late: the next one may be open by then.
            setOpened((now) => (now?.key === opened.key ? undefined : now));
            if (text) setSaid(text);
          }}
        />
      )}
    </ChangeContext.Provider>
  );
}

function Connection({ isLocked }: { isLocked: boolean }) {
  return (
    <LiveContext.Consumer>
      {({ isConnected }) => (
        <p class={`connection ${isConnected && !isLocked ? 'ok' : 'bad'}`} role="status">
          {isLocked
            ? 'Not connected'
            : isConnected
              ? 'Live'
              : 'The connection is lost. Trying again…'}
        </p>
      )}
    </LiveContext.Consumer>
  );
}

/** Shown to a browser without the token's cookie. */
function Locked() {
  return (
    <>
      <Head title="Open the address that the start has printed" />
      <p>
        The page needs the token of this run of the emulator. Its start has printed a line with the
        whole address, such as <code>{location.origin}/?token=…</code>: open that address once. This
        browser then keeps the token.
      </p>
      <form action="/" method="get" class="form">
        <Field label="Token, or the printed address">
          {(id) => (
            <input
              id={id}
              name="token"
              autocomplete="off"
              required
              onInput={({ currentTarget }) => {
                const token = /token=([\w-]+)/.exec(currentTarget.value)?.[1];
                if (token) currentTarget.value = token;
              }}
            />
          )}
        </Field>
        <div class="actions">
          <button type="submit" class="main">
            Open
          </button>
        </div>
      </form>
    </>
  );
}

const NotFound = () => (
  <>
    <Head title="Not found" />
    <Empty title="There is no such view">Choose another one in the menu.</Empty>
  </>
);

const root = document.getElementById('page');
if (root) render(<Page />, root);
