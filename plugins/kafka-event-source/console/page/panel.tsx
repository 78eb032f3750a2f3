/** The view of a panel of the service's own, which describes itself: no code of it runs on this page. */
import type {
  DescribedPanel,
  PanelLink,
  PanelPreview,
  PanelQuery,
  PanelSection,
  PanelState,
  PanelStep,
  PanelText,
  PanelView,
} from '../panel.ts';
import { useData } from './data.tsx';
import { Box, Facts, Field, Head, Loaded, Table, Time } from './parts.tsx';
import { recordPlace } from './records.tsx';
import { type Place, placeOf, queryOf } from './route.ts';
import { tracePlace } from './traces.tsx';

/** The answer of `/api/panels`. */
export type Panels = readonly DescribedPanel[];

/** A panel may show things of which the page's events do not tell. */
const AGAIN_MS = 5_000;

export function PanelPage({ panel, place: { query } }: { panel: DescribedPanel; place: Place }) {
  const { name, title, said } = panel;
  const path = `/api/panels/${name}${queryOf(query)}`;
  const data = useData<PanelView>(path, ['record', 'invocation'], AGAIN_MS);
  const { value } = data;
  return (
    <>
      <Head title={value?.title ?? title}>
        {value?.state && <Tone of={value.state} />} {value ? value.said : said}
      </Head>
      {panel.inputs.length > 0 && (
        <Inputs key={JSON.stringify(query)} panel={panel} query={query} />
      )}
      <Loaded data={data}>
        {({ sections }) =>
          sections.map((section, index) => (
            <Section key={`${index} ${section.title}`} name={name} section={section} />
          ))
        }
      </Loaded>
    </>
  );
}

function Inputs({
  panel: { name, inputs },
  query,
}: {
  panel: DescribedPanel;
  query: Place['query'];
}) {
  const show = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const values = inputs.map((one) => [one.name, String(given.get(one.name) ?? '').trim()]);
    location.hash = placeOf(['panels', name], Object.fromEntries(values));
  };
  return (
    <search>
      <form class="search" onSubmit={show}>
        <div class="row">
          {inputs.map((one) => (
            <Field key={one.name} label={one.label} hint={one.hint}>
              {(id) => (
                <input
                  id={id}
                  name={one.name}
                  type="search"
                  defaultValue={query[one.name] ?? ''}
                  autocomplete="off"
                />
              )}
            </Field>
          ))}
        </div>
        <div class="actions">
          <button type="submit" class="main">
            Show
          </button>
          {Object.keys(query).length > 0 && <a href={placeOf(['panels', name])}>Clear</a>}
        </div>
      </form>
    </search>
  );
}

function Section({
  name,
  section: { title, facts, table, steps },
}: {
  name: string;
  section: PanelSection;
}) {
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      {facts && <FactList name={name} facts={facts} />}
      {table && table.rows.length > 0 && (
        <Table<readonly PanelText[]>
          label={title}
          rows={table.rows}
          keyOf={(row) => JSON.stringify(row)}
          columns={table.columns.map((column, index) => ({
            name: column,
            isTitle: index === 0,
            cell: (row) => <Text name={name} of={row[index] ?? ''} />,
          }))}
        />
      )}
      {steps && (
        <ol class="life">
          {steps.map((step, index) => (
            <li key={index} class={toneOf(step)}>
              <Step name={name} step={step} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

const toneOf = ({ state }: PanelStep) =>
  state && ['ok', 'warn', 'bad'].includes(state.tone) ? state.tone : '';

function Step({ name, step }: { name: string; step: PanelStep }) {
  const { title, at, state, said, waitsFor, facts, previews = [] } = step;
  return (
    <div class="step">
      <h3 class="attempt-head">
        <Text name={name} of={title} />
        {state && <Tone of={state} />}
        {at !== undefined && (
          <span class="quiet">
            <Time at={at} />
          </span>
        )}
      </h3>
      {said && <p>{said}</p>}
      {waitsFor && (
        <p class="waits">
          <strong>Waits for:</strong> {waitsFor}
        </p>
      )}
      {facts && <FactList name={name} facts={facts} />}
      {previews.length > 0 && (
        <div class="previews">
          {previews.map((preview) => (
            <Preview key={JSON.stringify(preview)} name={name} preview={preview} />
          ))}
        </div>
      )}
    </div>
  );
}

function FactList({ name, facts }: { name: string; facts: NonNullable<PanelSection['facts']> }) {
  return <Facts of={facts.map(([label, text]) => [label, <Text name={name} of={text} />])} />;
}

const Tone = ({ of: { tone, words } }: { of: PanelState }) => (
  <span class={`state ${tone}`}>{words}</span>
);

function Text({ name, of }: { name: string; of: PanelText }) {
  if (typeof of === 'object' && 'at' in of) return <Time at={of.at} />;
  const { text, link } = typeof of === 'string' ? { text: of } : of;
  return link ? <a href={hrefOf(name, link)}>{text}</a> : text;
}

function hrefOf(name: string, link: PanelLink): string {
  if ('record' in link) return recordPlace(link.record);
  if ('invocation' in link) return placeOf(['invocations', link.invocation]);
  if ('trace' in link) return tracePlace(link.trace);
  return placeOf(['panels', name], link.panel);
}

function Preview({ name, preview }: { name: string; preview: PanelPreview }) {
  const { label, isOpen = false } = preview;
  return (
    <details class="preview" open={isOpen}>
      <summary>{label}</summary>
      {preview.kind === 'html' && <Frame name={name} label={label} query={preview.query} />}
      {preview.kind === 'message' && <p class="bubble">{preview.text}</p>}
      {preview.kind === 'text' && <Box label={label} text={preview.text} />}
    </details>
  );
}

/** The document comes with a policy of its own. Neither that nor the sandbox lets a script run. */
function Frame({ name, label, query }: { name: string; label: string; query: PanelQuery }) {
  const src = `/api/panels/${encodeURIComponent(name)}/frame${queryOf(query)}`;
  return <iframe sandbox="" src={src} title={label} />;
}
