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

/** The faults that a schema has found, each with the name of its field. */
export function faultsOf({ issues }: z.ZodError): string {
  return issues
    .map(({ path, message }) => [path.map(String).join('.'), message].filter(Boolean).join(': '))
    .join('; ');
}
