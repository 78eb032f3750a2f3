/** The answers of `/api`: JSON, and errors in one shape. */
import { RequestError } from '../control/request.ts';
import type { Answer } from '../control/server.ts';

export const json = (body: unknown): Answer => ({ status: 200, body });

/** The answer about an error. @throws the error itself if the caller is not to blame for it */
export function errorAnswer(error: unknown): Answer {
  if (!(error instanceof RequestError)) throw error;
  const { status, code, message } = error;
  return { status, body: { error: { code, message } } };
}
