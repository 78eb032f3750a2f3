import type { z } from 'zod';
import { AppError, type Fault } from '../errors.ts';
import { refusal } from '../refusal.ts';

/** The parts of a request that a handler reads, each with the schema that checks it. */
export type Schemas = {
  path?: z.ZodType;
  query?: z.ZodType;
  headers?: z.ZodType;
  body?: z.ZodType;
};

export type Input<S extends Schemas> = {
  [Part in keyof S]: S[Part] extends z.ZodType ? z.output<S[Part]> : never;
};

/** Lambda's answer has 6 MB at most, and 1 MB of body has room for more faults than fit into it. */
const MAX_NAMED = 1000;

type Parts = { [Part in keyof Schemas]: unknown };

/**
 * Checks all parts of a request.
 *
 * @throws AppError `VALIDATION` with every fault at once, each with its path; of many the first
 */
export function parseInput<S extends Schemas>(schemas: S, parts: Parts): Input<S> {
  let faults: Fault[] = [];
  const input: Partial<Record<keyof Schemas, unknown>> = {};
  for (const part of ['path', 'query', 'headers', 'body'] as const) {
    const schema = schemas[part];
    if (!schema) continue;
    const parsed = schema.safeParse(parts[part], { error: refusal });
    if (parsed.success) input[part] = parsed.data;
    // Not by push(...): its arguments go onto the stack, and many faults would overflow the stack.
    else faults = faults.concat(parsed.error.issues.flatMap(faultsOf));
  }
  if (faults.length > 0) throw invalid(faults);
  return input as Input<S>;
}

/** The refusal that names the faults. */
export function invalid(errors: Fault[]): AppError {
  const fields = errors.length === 1 ? 'One field breaks' : `${errors.length} fields break`;
  const named = errors.length > MAX_NAMED ? `the first ${MAX_NAMED}` : 'each';
  return new AppError('VALIDATION', `${fields} the rules; "errors" names ${named}.`, {
    errors: errors.slice(0, MAX_NAMED),
  });
}

function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  if (issue.code !== 'unrecognized_keys') {
    return [{ path: pathOf(issue.path), message: issue.message }];
  }
  return issue.keys.map((key) => ({
    path: pathOf([...issue.path, key]),
    message: 'This field is not known here.',
  }));
}

function pathOf(path: PropertyKey[]): string {
  return path.map(String).join('.');
}
