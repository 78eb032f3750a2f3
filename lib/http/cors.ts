import { ANSWER_HEADERS } from './answer.ts';

/**
 * The rules for scripts of other sites: which headers they may send and read. The functions' answers contain
 * these values; where the gateway checks tokens, plugins/deploy configures the gateway with the same ones.
 */
// https://fetch.spec.whatwg.org/#http-cors-protocol
export const CORS = {
  origin: '*',
  requestHeaders: ['authorization', 'content-type', 'if-match', 'idempotency-key', 'traceparent'],
  answerHeaders: ANSWER_HEADERS,
  preflightSeconds: 600,
} as const;
