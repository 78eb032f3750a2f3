/** The parts that views are made of. Every value is a text node: nothing that is shown can run. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { inReadingOrder } from '../../harmless.ts';
import type { PanelState } from '../panel.ts';
import { INVOCATION_TONES, RECORD_TONES, stateWords } from '../states.ts';
import type { ApiError } from './api.ts';
import type { Data } from './data.tsx';
import { agoText, clockText, sizeText } from './format.ts';

const TONES: Readonly<Record<string, PanelState['tone']>> = {
  Enabled: 'ok',
  Enabling: 'busy',
  Disabling: 'busy',
  Updating: 'busy',
  Disabled: 'idle',
  'Not running': 'idle',
  Refused: 'bad',
  ...RECORD_TONES,
  ...INVOCATION_TONES,
};

/** A state in words, and in a colour that never stands alone. */
export function State({ of }: { of: string }) {
  return <span class={`state ${TONES[of] ?? 'idle'}`}>{stateWords(of)}</span>;
}

/** A time of this machine; the whole time is in its title. */
export function Time({ at, isAgo = false }: { at: number; isAgo?: boolean }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!isAgo) return;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [isAgo]);
  if (at < 0) return <span class="quiet">no time</span>;
  const date = new Date(at);
  // A record's time may be any number, such as nanoseconds.
  if (Number.isNaN(date.getTime())) return <span class="number">{at} ms since 1970</span>;
  return (
    <time dateTime={date.toISOString()} title={date.toISOString()} class="number">
      {isAgo ? agoText(at, Math.max(now, at)) : clockText(at, Date.now())}
    </time>
  );
}

/** The beginning of a view. The heading takes the focus when a link leads here. */
export function Head({
  title,
  children,
  actions,
}: {
  title: ComponentChildren;
  children?: ComponentChildren;
  actions?: ComponentChildren;
}) {
  return (
    <header class="head">
      <div class="head-words">
        <h1 tabIndex={-1}>{title}</h1>
        {children && <div class="quiet">{children}</div>}
      </div>
      {actions && <div class="actions">{actions}</div>}
    </header>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <p>{children}</p>}
    </div>
  );
}

export function Problem({ error }: { error: ApiError | Error | undefined }) {
  if (!error) return null;
  return (
    <p class="problem" role="alert">
      {error.message}
    </p>
  );
}

/** The answer of `useData`, or what is shown in its place. */
export function Loaded<T>({
  data,
  children,
}: {
  data: Data<T>;
  children: (value: T) => ComponentChildren;
}) {
  const { value, error, isLoading } = data;
  return (
    <>
      <Problem error={error} />
      {value !== undefined && children(value)}
      {isLoading && !error && (
        <p class="quiet loading" role="status">
          Loading…
        </p>
      )}
    </>
  );
}

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row, index: number) => ComponentChildren;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  /** Takes the room that is left, and is cut at its end. */
  readonly isWide?: boolean;
  /** On a narrow screen, where a row is a card, stands first and without its name. */
  readonly isTitle?: boolean;
}

interface TableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
}

/**
 * A table, whose rows are cards on a narrow screen. The roles are written down, because a browser
 * forgets a table's own ones when its cells are laid out otherwise.
 */
export function Table<Row>({ label, columns, rows, keyOf }: TableProps<Row>) {
  const kind = ({ isNumber, isWide, isTitle }: Column<Row>) =>
    [isNumber && 'number', isWide && 'wide', isTitle && 'title'].filter(Boolean).join(' ');
  return (
    // biome-ignore-start lint/a11y/noRedundantRoles: the layout of a narrow screen takes them away
    <table role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th key={column.name} role="columnheader" scope="col" class={kind(column)}>
              {column.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row, index) => (
          <tr key={keyOf(row)} role="row">
            {columns.map((column) => (
              <td key={column.name} role="cell" class={kind(column)} data-name={column.name}>
                <div>{column.cell(row, index)}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
    // biome-ignore-end lint/a11y/noRedundantRoles: as above
  );
}

/** The links between the pages of a list, which is never read as a whole. */
export function Pages({
  first,
  next,
  isFirst,
}: {
  /** The address of the newest page. */
  first: string;
  next: string | undefined;
  isFirst: boolean;
}) {
  if (isFirst && !next) return null;
  return (
    <nav class="pages" aria-label="Pages of the list">
      {isFirst ? <span class="quiet">The first page</span> : <a href={first}>← Newest</a>}
      {next ? <a href={next}>Older →</a> : <span class="quiet">These are the oldest</span>}
    </nav>
  );
}

interface FieldProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly children: (id: string) => JSX.Element;
}

let fields = 0;

/** A field with its label. */
export function Field({ label, hint, children }: FieldProps) {
  const [id] = useState(() => {
    fields += 1;
    return `field-${fields}`;
  });
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
      {hint && <p class="hint">{hint}</p>}
    </div>
  );
}

export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren] | false)[] }) {
  return (
    <dl class="facts">
      {of.map(
        (one) =>
          one && (
            <div key={one[0]}>
              <dt>{one[0]}</dt>
              <dd>{one[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** The characters of a text that a box shows: a browser takes a minute to lay out megabytes of lines. */
const BOX = 200_000;

interface BoxProps {
  readonly label: string;
  readonly text: string;
  readonly kind?: string;
  /** The address of the whole text, for one that is too long to be shown. */
  readonly whole?: string;
}

/** Text of any length in its own box, which scrolls by itself. */
export function Box({ label, text, kind = '', whole }: BoxProps) {
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must take the keyboard */}
      <section class={`box ${kind}`} tabIndex={0} aria-label={label}>
        <pre>{inReadingOrder(text.slice(0, BOX))}</pre>
      </section>
      {text.length > BOX && (
        <p class="quiet">
          The first {sizeText(BOX)} of {sizeText(text.length)}.{' '}
          {whole && <a href={whole}>All of it, as JSON</a>}
        </p>
      )}
    </>
  );
}
