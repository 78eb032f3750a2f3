import { ANSWER_HEADERS } from './answer.ts';

/**
 * What a script of another site may send and read (https://fetch.spec.whatwg.org/#http-cors-protocol). Functions
 * answer by it; where the gateway checks tokens, the gateway does too (plugins/deploy).
 */
export const CORS = {
  origin: '*',
  requestHeaders: ['authorization', 'content-type', 'if-match', 'idempotency-key', 'traceparent'],
  answerHeaders: ANSWER_HEADERS,
  preflightSeconds: 600,
} as const;
