/** Runs `sls kafka redrive`: reads its options, and prints the outcomes. */
import { createClient } from '../access/connect.ts';
import { mappingsOf } from '../definition.ts';
import { oneLine } from '../harmless.ts';
import type { Mapping } from '../mapping.ts';
import type { Options } from '../options.ts';
import { words } from '../words.ts';
import type { CommandContext } from './commands.ts';
import { needed } from './mapping.ts';
import { type Report, type Row, redrive } from './redrive.ts';
import { placeOf, readSelection, type Selection } from './redrive-options.ts';

export async function runRedrive({ loaded, options, debug, print }: CommandContext): Promise<void> {
  const selection = readSelection(options);
  const { definitions, options: settings } = loaded;
  const mappings = mappingsOf(definitions);
  const targets = deadLetterTopics(selection, mappings, settings);
  const results: ({ topic: string; letters: Row[] } & Report)[] = [];
  for (const { topic, mapping } of targets) {
    const letters: Row[] = [];
    const report = await redrive({
      kafka: await createClient(mapping, { debug }),
      servers: mapping.bootstrapServers,
      topic,
      selection,
      notice: (text) => {
        if (!selection.isJson) print(text);
      },
      found: (row) => {
        if (selection.isJson) letters.push(row);
        else if (isShown(row, selection)) print(describe(topic, row));
      },
    });
    results.push({ topic, letters, ...report });
    if (!selection.isJson) print(summary(topic, report, selection, mapping));
  }
  if (selection.isJson) {
    print(JSON.stringify({ dryRun: selection.isDryRun, topics: results }, null, 2));
  }
  const missing = selection.letters?.filter((letter) =>
    results.every((one) => one.missing.includes(letter)),
  );
  if (missing?.length) {
    throw new Error(
      `There is no letter ${missing.join(', ')} on ${targets.map(({ topic }) => topic).join(', ')}. ` +
        'Without options the command shows the letters.',
    );
  }
}

/** Letters with nothing to do are shown only if they are named. */
function isShown(row: Row, { letters }: Selection): boolean {
  if (row.outcome === 'not chosen') return false;
  return row.outcome !== 'done before' || letters?.includes(placeOf(row)) === true;
}

export interface Target {
  readonly topic: string;
  /** The mapping with the connection to use. */
  readonly mapping: Mapping;
}

/**
 * The topics of --from; without it, those of mappings' destinations and of the plugin's option.
 *
 * @throws Error if none is known
 */
export function deadLetterTopics(
  { from }: Pick<Selection, 'from'>,
  mappings: readonly Mapping[],
  { deadLetterTopics: named }: Pick<Options, 'deadLetterTopics'>,
): Target[] {
  const any = needed(mappings[0]);
  const own = mappings.flatMap((mapping) =>
    mapping.destination?.kind === 'kafka' ? [{ topic: mapping.destination.topic, mapping }] : [],
  );
  const wanted =
    from.length > 0 ? from : [...new Set([...own.map(({ topic }) => topic), ...named])];
  if (wanted.length === 0) {
    throw new Error(
      'No dead-letter topic is known: no mapping has a Kafka topic as its destination. Add --from ' +
        `<topic>, or set ${words().setting('deadLetterTopics')}.`,
    );
  }
  return wanted.map((topic) => own.find((one) => one.topic === topic) ?? { topic, mapping: any });
}

function describe(topic: string, row: Row): string {
  const { partition, offset, outcome, why, reason, condition, key, original } = row;
  const record = original
    ? `  ${original.topic}-${original.partition} offset ${original.offset}, key ${JSON.stringify(key)}`
    : '';
  const cause = [condition, reason].filter(Boolean).join(', ');
  const end =
    outcome === 'done before'
      ? 'put back before: add --again to put it back once more'
      : why
        ? `${outcome}: ${why}`
        : outcome;
  return oneLine(`${topic} ${partition}:${offset}${record}${cause && `  (${cause})`}  ${end}`);
}

function summary(
  topic: string,
  { counts }: Report,
  { isDryRun }: Selection,
  mapping: Mapping,
): string {
  const { redriven, left } = counts;
  const rest = [
    ...(left > 0 ? [`${left} left, for the reasons above`] : []),
    ...(counts['done before'] > 0 ? [`${counts['done before']} put back before`] : []),
    ...(counts['not chosen'] > 0 ? [`${counts['not chosen']} not chosen`] : []),
  ].map((one) => `; ${one}`);
  const where = `${topic} on ${mapping.bootstrapServers.join(',')}`;
  if (!isDryRun) return `Put back ${redriven} of ${where}${rest.join('')}.`;
  const count = counts['would be redriven'];
  const how =
    count > 0 ? ' To put them back, add --all, --letter <partition>:<offset> or a filter.' : '';
  return `Dry run: ${count} of ${where} would be put back${rest.join('')}.${how}`;
}
