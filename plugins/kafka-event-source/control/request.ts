/** The reading of requests, and the error of a request that is refused. */
import type { z } from 'zod';
import { faultsOf, refusalOf } from '../refusal.ts';

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
  const result = schema.safeParse(value, { error: refusalOf });
  if (result.success) return result.data;
  throw refuse(faultsOf(result.error.issues));
}

/** Reads a query. @throws RequestError that names each fault */
export function readQuery<T extends z.ZodType>(schema: T, query: URLSearchParams): z.output<T> {
  const refuse = (faults: string) => new RequestError(400, 'BadRequest', `${faults}.`);
  return readPart(schema, Object.fromEntries(query), refuse);
}
