import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { type AppError, ERRORS, type ErrorCode } from '../errors.ts';
import { challengeOf } from '../identity/challenge.ts';

/** A handler's answer. The wrapper turns the body into JSON, unless it is text already. */
export type Answer = {
  statusCode: number;
  headers?: Record<string, string>;
  body?: unknown;
};

const DEFAULT_HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** The headers of answers that the API's document describes and other sites' scripts may read. */
export const ANSWER_HEADERS = [
  'ETag',
  'Location',
  'Retry-After',
  'Idempotent-Replay',
  'Allow',
  'WWW-Authenticate',
] as const;

export type AnswerHeader = (typeof ANSWER_HEADERS)[number];

/** The seconds after which the same request may succeed, by status. */
const RETRY_AFTER_SECONDS: Partial<Record<number, number>> = { 409: 1, 503: 5 };

/** `200` with the data, and a message where the operation has one. */
export function ok(data: unknown, extra: { message?: string; nextCursor?: string | null } = {}) {
  return { statusCode: 200, body: { success: true, data, ...extra } } satisfies Answer;
}

/** The answer as the gateway takes it. */
export function render({ statusCode, headers, body }: Answer): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { ...DEFAULT_HEADERS, ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  };
}

/** The place in the documentation that explains a code. */
export function anchorOf(code: ErrorCode): string {
  return code.toLowerCase().replaceAll('_', '-');
}

/**
 * The answer to a refused or failed request, as `application/problem+json` (RFC 9457).
 *
 * @param instance the id of this occurrence, which the log has too
 */
export function problem(error: AppError, instance: string): Answer {
  const { title, status, retriable } = ERRORS[error.code];
  const { allow, retryAfter, ...details } = error.details;
  const after =
    retryAfter ?? (status === 503 || retriable ? RETRY_AFTER_SECONDS[status] : undefined);
  const challenge = challengeOf(error);
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      ...(allow && { allow }),
      ...(after !== undefined && { 'retry-after': String(after) }),
      ...(challenge && { 'www-authenticate': challenge }),
    },
    body: {
      success: false,
      type: `/api/docs#${anchorOf(error.code)}`,
      title,
      status,
      detail: error.message,
      instance: `urn:uuid:${instance}`,
      code: error.code,
      ...details,
    },
  };
}
