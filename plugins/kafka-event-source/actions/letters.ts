/** Lists the dead letters, newest first, and puts them back as `sls kafka redrive` does. */
import type { KafkaMessage } from 'kafkajs';
import { z } from 'zod';
import { createClient } from '../access/connect.ts';
import { headerText } from '../commands/letter.ts';
import { type Report, type Row, redrive } from '../commands/redrive.ts';
import { deadLetterTopics, type Target } from '../commands/redrive-command.ts';
import { readSelection } from '../commands/redrive-options.ts';
import type { Bounds } from '../commands/scan.ts';
import { RequestError } from '../control/request.ts';
import type { Runtime } from '../control/runtime.ts';
import { LETTER_HEADERS } from '../destination/failure.ts';
import { type Log, messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { plural } from '../plural.ts';
import { PLACEHOLDER } from '../recorder/privacy.ts';
import type { Recorder } from '../recorder/types.ts';
import { bad } from './error.ts';

export interface LetterActions {
  readonly runtime: Runtime;
  readonly log: Log;
  /** Undefined if the settings turn it off. */
  readonly recorder: Pick<Recorder, 'privacy'> | undefined;
  readonly deadLetterTopics: () => readonly string[];
}

const filter = z.strictObject({
  key: z.string().optional(),
  /** The topic of the record. */
  topic: z.string().optional(),
  condition: z.string().optional(),
  /** A text in the reason. */
  reason: z.string().optional(),
  function: z.string().optional(),
  /** ISO 8601. */
  since: z.string().optional(),
  before: z.string().optional(),
});

export const redriveSchema = z.strictObject({
  /** The dead-letter topic. */
  topic: z.string(),
  /** The mapping whose servers have the topic. */
  mapping: z.string().optional(),
  letters: z
    .array(z.strictObject({ partition: z.int().min(0), offset: z.coerce.number().int().min(0) }))
    .min(1)
    .max(1_000)
    .optional(),
  filter: filter.optional(),
  /** Each letter that was not put back before. */
  all: z.literal(true).optional(),
  /** Also letters that were put back before. */
  again: z.boolean().optional(),
  /** Puts a record back at most so many times. */
  limit: z.int().min(1).optional(),
});
type RedriveWish = z.output<typeof redriveSchema>;

export type LetterRow = Row & { readonly topic: string };

export interface LetterPage {
  readonly items: readonly LetterRow[];
  readonly next?: string;
}

const PAGE = 50;
const MAX_PAGE = 200;
/** An answer names no more letters than this; the counts are of all. */
const MAX_ROWS = 1_000;

/** By topic and partition: the offset before which a page ends. */
const cursorSchema = z.record(z.string(), z.record(z.string(), z.int().min(0)));
type Cursor = z.output<typeof cursorSchema>;

/** The letters of one topic, or of all that are known, with the outcome that a redrive would have. */
export async function listLetters(
  actions: LetterActions,
  query: URLSearchParams,
): Promise<LetterPage> {
  const limit = Number(query.get('limit') ?? PAGE);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw new RequestError(400, 'BadRequest', `limit is a number from 1 to ${MAX_PAGE}.`);
  }
  const cursor = readCursor(query.get('cursor'));
  const [topic, uuid] = [query.get('topic') ?? undefined, query.get('mapping') ?? undefined];
  const sequences: LetterRow[][] = [];
  const next: Cursor = {};
  for (const target of targetsOf(actions, topic, uuid)) {
    const found = await newestOf(target, cursor?.[target.topic], limit, actions);
    sequences.push(...found.sequences);
    next[target.topic] = found.next;
  }
  const items = newestFirst(sequences).slice(0, limit);
  // Those that did not fit on this page come on the next one.
  for (const sequence of sequences) {
    const [left] = sequence.filter((one) => !items.includes(one));
    const partitions = left && next[left.topic];
    if (partitions) partitions[left.partition] = left.offset + 1;
  }
  const isMore = Object.values(next).some((one) => Object.keys(one).length > 0);
  return {
    items,
    ...(isMore && { next: Buffer.from(JSON.stringify(next)).toString('base64url') }),
  };
}

const running = new Set<string>();

/**
 * Puts back the chosen letters, or with a dry run only says which.
 *
 * @throws RequestError without a choice, and if another redrive of the topic runs
 */
export async function redriveLetters(
  actions: LetterActions,
  wish: RedriveWish,
  isDryRun: boolean,
): Promise<Report & { readonly letters: readonly LetterRow[]; will?: string }> {
  const { topic, mapping, letters: places, filter: wanted = {}, all, again, limit } = wish;
  const isChosen = places !== undefined || Object.keys(wanted).length > 0;
  if (!isDryRun && !isChosen && !all) {
    throw bad('name letters, a filter, or "all": true');
  }
  if (isChosen && all)
    throw bad('"all" puts back every letter: leave it out, or the letters and filter');
  const selection = readSelectionOf({
    ...wanted,
    ...(places && { letter: places.map((one) => `${one.partition}:${one.offset}`).join(',') }),
    ...(all && { all }),
    ...(again && { again }),
    ...(limit !== undefined && { limit: String(limit) }),
    'dry-run': isDryRun,
  });
  const [target] = targetsOf(actions, topic, mapping);
  if (!target) throw bad('topic: there is no mapping, so no server is known');
  if (running.has(topic)) {
    throw new RequestError(
      409,
      'RedriveRunning',
      `A redrive of ${topic} is running: wait for its end.`,
    );
  }
  if (!isDryRun) running.add(topic);
  try {
    const letters: LetterRow[] = [];
    const report = await read(target, actions.log, {
      selection,
      found: (row, letter) => {
        const isSilent = row.outcome === 'not chosen' || row.outcome === 'done before';
        if (isSilent || letters.length >= MAX_ROWS) return;
        letters.push({ topic, ...withoutPrivate(row, letter, actions) });
      },
    });
    const { missing } = report;
    if (missing.length > 0 && missing.length === selection.letters?.length) {
      throw new RequestError(
        404,
        'NoSuchLetter',
        `There is no letter ${missing.join(', ')} on ${topic}: GET /api/letters lists them.`,
      );
    }
    return { ...(isDryRun && { will: sentence(topic, report) }), ...report, letters };
  } finally {
    if (!isDryRun) running.delete(topic);
  }
}

/** The newest letters of a topic, a sequence for each partition, and where the page after them ends. */
async function newestOf(
  target: Target,
  before: Cursor[string] | undefined,
  count: number,
  actions: LetterActions,
): Promise<{ readonly sequences: LetterRow[][]; readonly next: Cursor[string] }> {
  const { topic } = target;
  const next: Cursor[string] = {};
  const byPartition = new Map<number, LetterRow[]>();
  const stretchOf = ({ partition, low, high }: Bounds) => {
    // A partition that the cursor does not name has been read to its first letter.
    const to = Math.max(low, before ? (before[partition] ?? low) : high);
    const from = Math.max(low, to - count);
    if (from > low) next[partition] = from;
    return { partition, from, to };
  };
  const selection = readSelection({ 'dry-run': true });
  await read(target, actions.log, {
    selection,
    stretchOf,
    found: (row, letter) => {
      const rows = byPartition.get(row.partition) ?? [];
      rows.unshift({ topic, ...withoutPrivate(row, letter, actions) });
      byPartition.set(row.partition, rows);
    },
  });
  return { sequences: [...byPartition.values()], next };
}

/** Merges sequences that are newest first. A letter without a readable time comes as soon as it can. */
function newestFirst(sequences: readonly LetterRow[][]): LetterRow[] {
  const open = sequences.map((rows) => [...rows]);
  const merged: LetterRow[] = [];
  const time = ([head]: readonly LetterRow[]) =>
    head ? Date.parse(head.at ?? '') || Number.MAX_SAFE_INTEGER : -1;
  for (;;) {
    const newest = open.reduce((best, one) => (time(one) > time(best) ? one : best), []);
    const head = newest.shift();
    if (!head) return merged;
    merged.push(head);
  }
}

/** The row as the recorder would keep it: the letter has the record, and so its private values. */
function withoutPrivate(
  row: Row,
  { value, headers = {} }: KafkaMessage,
  { recorder }: Pick<LetterActions, 'recorder'>,
): Row {
  if (!recorder?.privacy.isNeeded) return row;
  const { privacy } = recorder;
  const secrets = privacy.createSecrets();
  privacy.text(value?.toString('utf8') ?? '', secrets);
  // Nobody can tell what is private in a field that did not fit into the letter.
  const isWhole = headerText(headers, LETTER_HEADERS.omitted) === '';
  const { key } = row;
  return {
    ...row,
    reason: isWhole ? privacy.text(row.reason, secrets) : PLACEHOLDER,
    ...(key !== undefined && { key: key && privacy.text(key, secrets) }),
  };
}

async function read(
  { topic, mapping }: Target,
  log: Log,
  how: Pick<Parameters<typeof redrive>[0], 'selection' | 'found' | 'stretchOf'>,
): Promise<Report> {
  try {
    return await redrive({
      kafka: await createClient(mapping, log),
      servers: mapping.bootstrapServers,
      topic,
      notice: (text) => log.warning(text),
      ...how,
    });
  } catch (error) {
    throw new RequestError(502, 'RedriveFailed', messageOf(error), error);
  }
}

function targetsOf(
  { runtime, deadLetterTopics: named }: LetterActions,
  topic: string | undefined,
  uuid: string | undefined,
): Target[] {
  const mappings = runtime.list().map(({ mapping }) => mapping);
  const chosen: Mapping[] =
    uuid === undefined ? mappings : mappings.filter((one) => one.uuid === uuid);
  if (chosen.length === 0) {
    if (uuid === undefined) return [];
    throw new RequestError(
      404,
      'NoSuchMapping',
      `There is no mapping ${uuid}: GET /api/mappings lists them.`,
    );
  }
  const isKnown =
    topic !== undefined ||
    named().length > 0 ||
    chosen.some(({ destination }) => destination?.kind === 'kafka');
  if (!isKnown) return [];
  const from = topic === undefined ? [] : [topic];
  return deadLetterTopics({ from }, chosen, { deadLetterTopics: [...named()] });
}

function readSelectionOf(options: Readonly<Record<string, unknown>>) {
  try {
    return readSelection(options);
  } catch (error) {
    throw bad(messageOf(error).replace(/^--/, 'filter.').replace(/\.$/, ''));
  }
}

function readCursor(given: string | null): Cursor | undefined {
  if (given === null) return undefined;
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(given, 'base64url').toString('utf8')));
  } catch {
    throw bad('cursor: take it from "next" of the page before');
  }
}

function sentence(topic: string, { counts, missing }: Report): string {
  const rest = [
    ...(counts.left > 0 ? [`${counts.left} cannot be put back, for the reasons beside them`] : []),
    ...(counts['done before'] > 0 ? [`${counts['done before']} were put back before`] : []),
    ...(missing.length > 0 ? [`there is no letter ${missing.join(', ')}`] : []),
  ].map((one) => `; ${one}`);
  const count = counts['would be redriven'];
  return `Puts ${plural(count, 'letter')} of ${topic} back on the topics of their records${rest.join('')}.`;
}
