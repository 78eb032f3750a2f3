/** Runs `sls kafka record replay`: runs an export's invocations again here, and says which answers differ. */
import { resolve } from 'node:path';
import { createClient } from '../access/connect.ts';
import { mappingsOf } from '../definition.ts';
import type { EventSource } from '../event.ts';
import { oneLine } from '../harmless.ts';
import { Invokers } from '../invokers.ts';
import { loadLambdaSdk } from '../lambda/aws.ts';
import { messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { AWS, isEndpoint } from '../options.ts';
import { plural } from '../plural.ts';
import { openExport } from '../recorder/imports.ts';
import { within } from '../time.ts';
import type { CommandContext } from './commands.ts';
import { textOf } from './option.ts';
import { RecordsGoneError, readOriginals } from './originals.ts';
import { fileOf, functionKeyOf } from './record-command.ts';
import { type Replayed, type ReplayOptions, replay } from './replay.ts';
import { withAdmin } from './scan.ts';

/** The time to read the records of one invocation. */
const READ_MS = 30_000;
/** The characters of an answer that are printed; --json has all. */
const SHOWN = 300;

/** @throws Error if answers differ, or if no invocation ran */
export async function runReplay(context: CommandContext): Promise<void> {
  const { loaded, options, names, print } = context;
  const { recorder } = loaded.options;
  const isJson = options.json === true;
  using found = openExport(resolve(fileOf(options)));
  const mappings = await withEndpoints(context);
  const invokers = new Invokers({ endpoint: context.endpoint ?? '', ...(names && { names }) });
  const warning = invokers.awsWarning(mappings);
  if (warning !== undefined && !isJson) print(warning);
  const rows: Replayed[] = [];
  const replayed = replay({
    reader: found.reader,
    mappings,
    invokerOf: (mapping) => invokers.of(mapping),
    readAgain: readerOf(context),
    private: recorder ? recorder.private : [],
    functionKey: functionKeyOf(context),
    invocation: textOf(options.invocation),
  });
  for await (const row of replayed) {
    rows.push(row);
    if (!isJson && row.outcome !== 'same') print(describe(row));
  }
  const counts = countsOf(rows);
  print(isJson ? JSON.stringify({ counts, invocations: rows }, null, 2) : summary(counts));
  if (counts.differs > 0) {
    throw new Error(`${counts.differs} of ${counts.differs + counts.same} answers differ.`);
  }
  if (counts.same === 0) throw new Error('No invocation ran again.');
}

/** The mappings, with the address of `--endpoint`. @throws Error for functions without an address */
async function withEndpoints({ loaded, options, endpoint }: CommandContext): Promise<Mapping[]> {
  const given = textOf(options.endpoint);
  if (given !== undefined && !isEndpoint(given)) {
    throw new Error(
      `--endpoint "${given}" must be an address, such as http://127.0.0.1:3002, or aws.`,
    );
  }
  const mappings = mappingsOf(loaded.definitions).map((mapping) =>
    given === undefined ? mapping : { ...mapping, lambdaEndpoint: given },
  );
  const without = mappings.find(({ lambdaEndpoint }) => lambdaEndpoint === undefined);
  if (without && endpoint === undefined) {
    throw new Error(
      `No endpoint for ${without.functionKey}: name the address of the functions by --endpoint.`,
    );
  }
  if (mappings.some(({ lambdaEndpoint }) => lambdaEndpoint === AWS)) await loadLambdaSdk();
  return mappings;
}

/** Reads events from Kafka. Servers that were away once are not asked again. */
function readerOf({ debug }: CommandContext): ReplayOptions['readAgain'] {
  const away = new Map<string, Error>();
  return async (mapping, { recordIds, payload = '' }) => {
    const { bootstrapServers: servers } = mapping;
    const where = servers.join(',');
    const known = away.get(where);
    if (known) throw known;
    const { records: _, ...source } = JSON.parse(payload) as EventSource & { records: unknown };
    try {
      const kafka = await createClient(mapping, { debug });
      const read = withAdmin(kafka, servers, (admin) =>
        readOriginals(admin, mapping, recordIds, source),
      );
      return await within(READ_MS, `Kafka at ${where}`, read);
    } catch (error) {
      if (error instanceof RecordsGoneError) throw error;
      const failed = new Error(messageOf(error));
      away.set(where, failed);
      throw failed;
    }
  };
}

interface Counts extends Readonly<Record<Replayed['outcome'], number>> {
  readonly fromKafka: number;
  readonly placeholders: number;
}

function countsOf(rows: readonly Replayed[]): Counts {
  const count = (test: (row: Replayed) => boolean) => rows.filter(test).length;
  return {
    same: count(({ outcome }) => outcome === 'same'),
    differs: count(({ outcome }) => outcome === 'differs'),
    leftOut: count(({ outcome }) => outcome === 'leftOut'),
    fromKafka: count(({ event }) => event === 'kafka'),
    placeholders: count(({ event }) => event === 'placeholders'),
  };
}

function describe({ id, functionKey, startedAt, outcome, event, was, now, why }: Replayed): string {
  const head = `${functionKey} ${new Date(startedAt).toISOString()} ${id}`;
  const note = event === 'placeholders' ? `, with placeholders (${why})` : '';
  const lines =
    outcome === 'leftOut'
      ? [`${head}: left out, because ${why}`]
      : [`${head}: differs${note}`, `  was: ${short(was)}`, `  now: ${short(now)}`];
  return lines.map(oneLine).join('\n');
}

function short(text = ''): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function summary({ same, differs, leftOut, fromKafka, placeholders }: Counts): string {
  return [
    `Ran ${plural(same + differs, 'invocation')} again: ${same} answered the same, ${differs} differ.`,
    ...(leftOut > 0 ? [`${leftOut} left out, for the reasons above.`] : []),
    ...(fromKafka > 0 ? [`${fromKafka} had their private values from Kafka.`] : []),
    ...(placeholders > 0
      ? [
          `${placeholders} had placeholders in the place of private values, which Kafka does not have here.`,
        ]
      : []),
  ].join(' ');
}
