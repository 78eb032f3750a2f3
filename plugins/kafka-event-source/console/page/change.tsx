/** A change in a dialog: it says first what it will do, and then asks. */
import { createContext } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { call, dryRun } from './api.ts';
import { Field } from './parts.tsx';

export type Values = Readonly<Record<string, string>>;

export interface Entry {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly kind: 'text' | 'number' | 'time' | 'long' | 'choice';
  readonly choices?: readonly (readonly [value: string, text: string])[];
  /** Whether the field is asked for; it may depend on the others. */
  readonly isAsked?: (values: Values) => boolean;
}

export interface Change {
  readonly title: string;
  readonly path: string;
  readonly method?: 'POST' | 'DELETE';
  /** The word on the button. */
  readonly verb: string;
  readonly entries?: readonly Entry[];
  readonly values?: Values;
  /** The request's body; undefined while a field is missing. */
  readonly body?: (values: Values) => object | undefined;
  /** Called with the answer. @returns the sentence that says it is done */
  readonly done: (answer: unknown) => string;
}

/** Opens the dialog. */
export const ChangeContext = createContext<(change: Change) => void>(() => undefined);

/** A button that opens the dialog of a change. */
export function ChangeButton({
  change,
  children,
  isMain = false,
  label,
}: {
  change: Change;
  children: string;
  isMain?: boolean;
  label?: string;
}) {
  const open = useContext(ChangeContext);
  return (
    <button
      type="button"
      class={isMain ? 'main' : ''}
      aria-label={label}
      aria-haspopup="dialog"
      onClick={() => open(change)}
    >
      {children}
    </button>
  );
}

/** The next try of a dry run, so that not each key asks the server. */
const TYPED_MS = 200;

interface DialogProps {
  readonly change: Change;
  readonly isAllowed: boolean;
  readonly close: (said?: string) => void;
}

export function ChangeDialog({ change, isAllowed, close }: DialogProps) {
  const { title, path, method = 'POST', verb, entries = [], body = () => ({}) } = change;
  const dialog = useRef<HTMLDialogElement>(null);
  const [values, setValues] = useState<Values>(change.values ?? {});
  const [will, setWill] = useState<string>();
  const [error, setError] = useState<string>();
  const [isDoing, setDoing] = useState(false);
  const sent = body(values);
  const text = sent && JSON.stringify(sent);

  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    setWill(undefined);
    setError(undefined);
    if (text === undefined) return;
    let isOver = false;
    const timer = setTimeout(
      () =>
        dryRun(path, method, JSON.parse(text)).then(
          (sentence) => !isOver && setWill(sentence),
          (failed: Error) => !isOver && setError(failed.message),
        ),
      entries.length > 0 ? TYPED_MS : 0,
    );
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [text, path, method]);

  const run = async (event: Event) => {
    event.preventDefault();
    if (will === undefined || !isAllowed || isDoing) return;
    setDoing(true);
    try {
      close(change.done(await call(path, { method, body: sent })));
    } catch (failed) {
      setError((failed as Error).message);
      setWill(undefined);
    }
    setDoing(false);
  };
  return (
    <dialog ref={dialog} aria-labelledby="change-title" onClose={() => close()}>
      <form onSubmit={run}>
        <h2 id="change-title">{title}</h2>
        {entries.map(
          (entry) =>
            (entry.isAsked?.(values) ?? true) && (
              <Entered
                key={entry.name}
                entry={entry}
                value={values[entry.name] ?? ''}
                set={(value) => setValues((before) => ({ ...before, [entry.name]: value }))}
              />
            ),
        )}
        <div class="will" aria-live="polite">
          {error ? <p class="problem">{error}</p> : <p>{will ?? asking(text)}</p>}
        </div>
        {!isAllowed && (
          <p class="hint">
            Changes are switched off: set console.allowChanges to true, and start again.
          </p>
        )}
        <div class="actions end">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="main" disabled={will === undefined || !isAllowed || isDoing}>
            {verb}
          </button>
        </div>
      </form>
    </dialog>
  );
}

const asking = (text: string | undefined) =>
  text === undefined ? 'Fill in the fields to see what this will do.' : 'Asking what this will do…';

/** A field of the dialog, or of a form. */
export function Entered({
  entry: { label, hint, kind, choices = [] },
  value,
  set,
}: {
  entry: Entry;
  value: string;
  set: (value: string) => void;
}) {
  const onInput = (event: Event) => set((event.currentTarget as HTMLInputElement).value);
  return (
    <Field label={label} hint={hint}>
      {(id) => {
        if (kind === 'choice') {
          return (
            <select id={id} value={value} onChange={onInput}>
              {choices.map(([one, text]) => (
                <option key={one} value={one}>
                  {text}
                </option>
              ))}
            </select>
          );
        }
        if (kind === 'long') {
          return <textarea id={id} rows={10} spellcheck={false} value={value} onInput={onInput} />;
        }
        const common = { id, value, onInput, autocomplete: 'off' };
        if (kind === 'time') return <input type="datetime-local" step="0.001" {...common} />;
        if (kind === 'number') return <input type="number" {...common} />;
        return <input type="text" {...common} />;
      }}
    </Field>
  );
}
