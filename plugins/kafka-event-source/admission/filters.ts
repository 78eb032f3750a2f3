/** Refuses filters as AWS does, and warns of filters that may work otherwise on AWS. */
import { PatternError } from '../filter/operators.ts';
import { type Fields, type Pattern, parsePattern } from '../filter/pattern.ts';
import { invalid, paraphrased, type Refusal } from './refusal.ts';
import type { Shape } from './shape.ts';

const FILTER_QUOTA = { byDefault: 5, onRequest: 10, characters: 4_096 } as const;

type Criteria = Pick<Shape, 'FilterCriteria'>;

export function refuseFilters(properties: Criteria): Refusal[] {
  const patterns = patternsOf(properties);
  const found: Refusal[] = [];
  if (patterns.length > FILTER_QUOTA.onRequest) {
    found.push(
      paraphrased(
        `The mapping has ${patterns.length} filters; at most ${FILTER_QUOTA.onRequest} are allowed.`,
      ),
    );
  }
  for (const pattern of patterns) {
    if (pattern.length > FILTER_QUOTA.characters) {
      found.push(
        paraphrased(
          `A filter pattern has ${pattern.length} characters; ${FILTER_QUOTA.characters} are allowed.`,
        ),
      );
    }
    const read = tryRead(pattern);
    if (typeof read === 'string') {
      found.push(invalid(`Invalid filter pattern definition. (${read}: ${pattern.slice(0, 200)})`));
    }
  }
  return found;
}

/** Warnings about filters that AWS accepts. */
export function filterWarnings(properties: Criteria): string[] {
  const found = new Set<string>();
  const patterns = patternsOf(properties);
  if (patterns.length > FILTER_QUOTA.byDefault) {
    found.add(
      `The mapping has ${patterns.length} filters: the quota is ${FILTER_QUOTA.byDefault}, and AWS raises it to ` +
        `${FILTER_QUOTA.onRequest} on request only.`,
    );
  }
  for (const pattern of patterns) {
    const read = tryRead(pattern);
    if (typeof read === 'string') continue;
    for (const name of outermost(read.root)) {
      if (name === 'value') continue;
      found.add(
        MEMBERS.has(name)
          ? `A filter on ${name}: AWS documents filters on value only. Here it is compared with the record.`
          : `A filter on ${name}, which no record has: a pattern begins with value.`,
      );
    }
    for (const operator of read.unlisted) {
      found.add(
        `A filter with ${operator}: EventBridge has it, and Lambda's table of operators does not.`,
      );
    }
  }
  return [...found];
}

const MEMBERS: ReadonlySet<string> = new Set([
  ...['topic', 'partition', 'offset', 'timestamp', 'timestampType', 'key', 'headers'],
]);

function patternsOf({ FilterCriteria: criteria }: Criteria): string[] {
  return (criteria?.Filters ?? []).map(({ Pattern: pattern = '' }) => pattern);
}

/** The pattern, or the reason why it is refused. */
function tryRead(text: string): Pattern | string {
  try {
    return parsePattern(text);
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}

function outermost({ fields, or }: Fields): string[] {
  return [...fields.map(([name]) => name), ...or.flat().flatMap(outermost)];
}
