/** Groups a reader's results into rows of the table. */
import { nameOf, PAYLOADS, type Payload } from './payloads.ts';
import type { Known, Reader } from './readers.ts';
import { differences, type Reading } from './reading.ts';
import { versionOf } from './toolchains.ts';

/** A result as the programs print it. */
export interface Line {
  readonly reader: string;
  readonly payload: string;
  readonly read?: Reading;
  /** The reader's message where it does not take the payload. */
  readonly refused?: string;
}

export interface Row {
  readonly language: string;
  /** The reader with its libraries and their versions. */
  readonly reader: string;
  readonly payloads: string;
  readonly result: string;
  readonly expected: boolean;
}

interface Outcome {
  readonly result: string;
  readonly expected: boolean;
}

const AGREES = 'agrees';
const KINDS = new Set(PAYLOADS.map(({ kind }) => kind));

/** The rows of a reader: payloads with the same outcome share a row. */
export function agreement(reader: Reader, lines: readonly Line[]): Row[] {
  const { language, name, libraries } = reader;
  const versions = libraries.map((library) => `${library} ${versionOf(language, library)}`);
  const own = new Map(
    lines.filter((line) => line.reader === name).map((line) => [line.payload, line]),
  );
  const outcomes = PAYLOADS.map((payload) => ({
    payload,
    ...outcomeOf(reader, payload, own.get(nameOf(payload))),
  }));
  const groups = Map.groupBy(outcomes, ({ result }) => result);
  return Array.from(groups.values(), (group) => ({
    language,
    reader: `${versions.join(', ')}: ${name}`,
    payloads: describe(group.map(({ payload }) => payload)),
    result: group[0]?.result ?? '',
    expected: group.every(({ expected }) => expected),
  }));
}

function outcomeOf(reader: Reader, payload: Payload, line: Line | undefined): Outcome {
  if (!line) return { result: 'UNEXPECTED: its program printed nothing', expected: false };
  const seen = line.read
    ? differences(payload, line.read, reader.members)
    : [(line.refused ?? '').replaceAll(/\s+/g, ' ')];
  const known = reader.known.filter(
    ({ payloads }) => payloads === undefined || payloads.includes(payload.kind),
  );
  const strange = seen.filter((text) => !known.some((one) => one.seen.test(text)));
  const gone = known.filter((one) => !seen.some((text) => one.seen.test(text)));
  if (strange.length > 0) {
    return { result: `UNEXPECTED: ${strange.join('; ').slice(0, 400)}`, expected: false };
  }
  if (gone.length > 0)
    return { result: `UNEXPECTED: no longer: ${because(gone)}`, expected: false };
  if (seen.length === 0) return { result: AGREES, expected: true };
  return { result: `${line.read ? 'differs' : 'refuses'}: ${because(known)}`, expected: true };
}

function because(known: readonly Known[]): string {
  return known.map((one) => one.because).join('; ');
}

/** The kinds of these payloads; a kind of only one event source names the source. */
function describe(payloads: readonly Payload[]): string {
  const kinds = Map.groupBy(payloads, ({ kind }) => kind);
  const whole = [...kinds.values()].every((sources) => sources.length > 1);
  if (whole && kinds.size === KINDS.size) return `all ${KINDS.size} kinds`;
  if (whole && kinds.size > KINDS.size / 2) return `${kinds.size} kinds`;
  return Array.from(kinds, ([kind, [first, second]]) =>
    first && !second ? nameOf(first) : kind,
  ).join(', ');
}
