/** The options of `sls kafka redrive`, and the letters that they select. */
import type { Letter } from './letter.ts';
import { textOf } from './option.ts';

/** The command's options as the framework describes and prints them. */
export const REDRIVE_OPTIONS = {
  'dry-run': {
    usage: 'Only show the letters that would be put back (the default without a choice)',
    type: 'boolean',
  },
  all: { usage: 'Put back each letter that has not been put back yet', type: 'boolean' },
  letter: {
    usage: 'Put back this letter: <partition>:<offset>; separate several by commas',
    type: 'string',
  },
  key: { usage: 'Only letters whose record has this key', type: 'string' },
  topic: { usage: 'Only letters whose record was on this topic', type: 'string' },
  condition: {
    usage: 'Only letters with this condition, such as RetriesExhausted',
    type: 'string',
  },
  reason: { usage: 'Only letters with this text in their reason', type: 'string' },
  function: { usage: 'Only letters of this function', type: 'string', shortcut: 'f' },
  since: {
    usage: 'Only letters written at this time or later: 2026-11-23T09:00:00Z',
    type: 'string',
  },
  before: { usage: 'Only letters written before this time', type: 'string' },
  from: { usage: 'The dead-letter topic, if no mapping and no setting names it', type: 'string' },
  again: { usage: 'Also letters that have been put back before', type: 'boolean' },
  limit: { usage: 'Put a record back at most this many times (3)', type: 'string' },
  json: { usage: 'Print JSON', type: 'boolean' },
} as const;

export interface Selection {
  readonly isDryRun: boolean;
  readonly isAgain: boolean;
  readonly limit: number;
  /** Dead-letter topics; empty for those of the mappings and of the settings. */
  readonly from: readonly string[];
  readonly isJson: boolean;
  /** The letters of --letter, each as <partition>:<offset> and once; only these are put back. */
  readonly letters: readonly string[] | undefined;
  /** Whether the filters choose the letter. */
  readonly chooses: (found: Candidate) => boolean;
}

interface Candidate {
  readonly letter: Letter;
  readonly reason: string;
}

const DEFAULT_LIMIT = 3;
const CHOICES = [
  'letter',
  'key',
  'topic',
  'condition',
  'reason',
  'function',
  'since',
  'before',
] as const;

/**
 * Reads the options. Without a choice of letters, the command only shows those it could put back.
 *
 * @throws Error that says how an option is written
 */
export function readSelection(options: Readonly<Record<string, unknown>>): Selection {
  const text = (name: string) => textOf(options[name]);
  const chosen = CHOICES.some((name) => text(name) !== undefined);
  if (options.all === true && chosen) {
    throw new Error(`--all cannot be used with --${CHOICES.join(', --')}: leave one of them out.`);
  }
  const places = text('letter')?.split(',').map(readPlace);
  const [since, before] = [timeOf('since', text('since')), timeOf('before', text('before'))];
  const [key, topic, condition, reason, fn] = [
    'key',
    'topic',
    'condition',
    'reason',
    'function',
  ].map(text);
  return {
    isDryRun: options['dry-run'] === true || (options.all !== true && !chosen),
    isAgain: options.again === true,
    limit: limitOf(text('limit')),
    from: text('from')?.split(',') ?? [],
    isJson: options.json === true,
    letters: places && [...new Set(places)],
    chooses: (found) =>
      (key === undefined || found.letter.record.key?.toString('utf8') === key) &&
      (topic === undefined || found.letter.record.topic === topic) &&
      (condition === undefined || found.letter.condition === condition) &&
      (reason === undefined || found.reason.includes(reason)) &&
      (!fn || isOfFunction(found.letter.functionArn, fn)) &&
      (!since || found.letter.at >= since) &&
      (!before || found.letter.at < before),
  };
}

/** Whether the ARN's function has this name, or a name that ends in it after the service and the stage. */
function isOfFunction(arn: string, name: string): boolean {
  return [':', '_', '-'].some((before) => `:${arn}:`.includes(`${before}${name}:`));
}

/** The place of a letter as --letter has it. */
export function placeOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}:${offset}`;
}

function readPlace(text: string): string {
  const [, partition, offset] = /^(\d{1,15}):(\d{1,15})$/.exec(text) ?? [];
  if (offset !== undefined)
    return placeOf({ partition: Number(partition), offset: Number(offset) });
  throw new Error(`--letter "${text}" is not a letter: write <partition>:<offset>, such as 0:12.`);
}

function timeOf(name: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const time = new Date(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new Error(`--${name} "${text}" is not a time: write 2026-11-23 or 2026-11-23T09:00:00Z.`);
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new Error(`--limit "${text}" is not a number of at least 1.`);
}
