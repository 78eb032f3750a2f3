/** The reading of requests, and the error of a request that is refused. */
import type { z } from 'zod';

/** An error for the caller; the message says what to do. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;
  readonly code: string;

  /** @param status of HTTP */
  constructor(status: number, code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.status = status;
    this.code = code;
  }
}

/** A part of a path. @throws RequestError if it is not encoded as it must be */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RequestError(404, 'NotFound', `"${text}" is not the name of anything here.`);
  }
}

/**
 * Reads a part of a request.
 *
 * @throws the error that `refuse` makes of the faults, in plain English, each with the name of its field
 */
export function readPart<T extends z.ZodType>(
  schema: T,
  value: unknown,
  refuse: (faults: string) => RequestError,
): z.output<T> {
  const result = schema.safeParse(value, { error: inPlainEnglish });
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) =>
    [path.map(String).join('.'), message].filter(Boolean).join(': '),
  );
  throw refuse(faults.join('; '));
}

const KINDS: Readonly<Record<string, string>> = {
  number: 'a whole number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
};

/** A fault without zod's words; undefined for one whose schema has its own. */
function inPlainEnglish(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return `must be ${KINDS[issue.expected] ?? 'an object'}`;
    case 'too_small':
      return `must be at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_value':
      return `must be ${issue.values.map((one) => JSON.stringify(one)).join(' or ')}`;
    case 'unrecognized_keys':
      return `${issue.keys.map((one) => `"${one}"`).join(', ')} is not known here`;
    case 'invalid_union':
      return 'has none of the forms that it may have';
    default:
      return undefined;
  }
}

function unitOf(origin: string): string {
  return { string: ' characters long', array: ' items long' }[origin] ?? '';
}
