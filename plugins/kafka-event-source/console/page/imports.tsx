/** The memories of other machines: their list, and the facts of the one that the page shows. */
import type { Import } from '../../recorder/types.ts';
import { imported, useData } from './data.tsx';
import { Box, Empty, Facts, Head, Loaded, Time } from './parts.tsx';

interface ImportsAnswer {
  readonly items: readonly Import[];
}

/** Links to the imports; nothing without one. */
export function ImportLinks() {
  const { value } = useData<ImportsAnswer>('/api/imports');
  if (!value || value.items.length === 0) return null;
  return (
    <section class="card" aria-labelledby="imports-title">
      <h2 id="imports-title">Imports of other machines</h2>
      <ul class="places">
        {value.items.map(({ name, service, stage }) => (
          <li key={name}>
            <a href={`/?imported=${encodeURIComponent(name)}`}>{name}</a>{' '}
            <span class="quiet">
              {service} · {stage}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Stands above each view of an import. */
export function ImportBanner() {
  if (imported === undefined) return null;
  return (
    <p class="callout" role="note">
      Import “{imported}” of another machine, read-only. <a href="/">Back to this service</a>
    </p>
  );
}

/** The first view of an import: the service that it comes from, and its settings. */
export function ImportFacts() {
  const data = useData<ImportsAnswer>('/api/imports');
  return (
    <>
      <Head title={`Import ${imported}`}>Records and invocations of another machine.</Head>
      <Loaded data={data}>
        {({ items }) => {
          const found = items.find(({ name }) => name === imported);
          return found ? (
            <About of={found} />
          ) : (
            <Empty title="Nothing is imported under this name" />
          );
        }}
      </Loaded>
    </>
  );
}

function About({ of: { service, stage, exportedAt, mappings } }: { of: Import }) {
  return (
    <>
      <div class="card">
        <Facts
          of={[
            ['Service', service],
            ['Stage', stage],
            ['Exported at', <Time at={exportedAt} />],
          ]}
        />
      </div>
      {mappings.map(({ uuid, name, functionKey, topic, groupId, settings }) => (
        <section key={uuid} class="card">
          <h2>{name}</h2>
          <Facts
            of={[
              ['Function', functionKey],
              ['Topic', topic],
              ['Group', groupId],
            ]}
          />
          <Box label={`Settings of ${name}`} text={JSON.stringify(settings, null, 2)} />
        </section>
      ))}
    </>
  );
}
