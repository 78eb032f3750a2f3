import { type AppError, ERRORS } from '../errors.ts';

/** What a handler answers: the wrapper turns the body into JSON. */
export type Answer = {
  statusCode: number;
  headers?: Record<string, string>;
  body?: unknown;
};

const RETRY_AFTER_SECONDS = '5';

/** `200` with the data, and a message where the operation has one. */
export function ok(data: unknown, extra: { message?: string; nextCursor?: string | null } = {}) {
  return { statusCode: 200, body: { success: true, data, ...extra } } satisfies Answer;
}

/**
 * The answer to a refused or failed request, as `application/problem+json` (RFC 9457).
 *
 * @param instance names this one occurrence; the log has it too
 */
export function problem(error: AppError, instance: string): Answer {
  const { title, status } = ERRORS[error.code];
  const { allow, ...details } = error.details;
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      ...(allow && { allow }),
      ...(status === 503 && { 'retry-after': RETRY_AFTER_SECONDS }),
    },
    body: {
      success: false,
      type: `/api/docs#${error.code.toLowerCase().replaceAll('_', '-')}`,
      title,
      status,
      detail: error.message,
      instance: `urn:uuid:${instance}`,
      code: error.code,
      ...details,
    },
  };
}
