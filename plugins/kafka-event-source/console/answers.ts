/** The answers of `/api`: JSON, and errors in one shape. */
import type { Answer } from '../control/server.ts';

/** An error of the caller; the message says what to do. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const json = (body: unknown): Answer => ({ status: 200, body });

/** The answer about an error. @throws the error itself if the caller is not to blame for it */
export function errorAnswer(error: unknown): Answer {
  if (!(error instanceof RequestError)) throw error;
  const { status, code, message } = error;
  return { status, body: { error: { code, message } } };
}
