import type middy from '@middy/core';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import { AppError } from '../errors.ts';
import { invalid } from './input.ts';
import type { HttpEvent } from './request.ts';

const MAX_BODY_BYTES = 1024 * 1024;
/** `application/json` and `application/<any>+json`. RFC 9110, section 8.3.1: blanks may precede a parameter. */
const JSON_TYPE = /^application\/([a-z0-9.+-]+\+)?json[ \t]*(;|$)/i;

/** The middlewares of a request that must carry JSON of at most 1 MB. */
export function jsonBody(): middy.MiddlewareObj<HttpEvent>[] {
  return [
    { before: bodyChecksBefore },
    httpJsonBodyParser({ disableContentTypeCheck: true }) as middy.MiddlewareObj<HttpEvent>,
    { onError: bodyFaultsOnError },
  ];
}

function bodyChecksBefore({ event }: middy.Request<HttpEvent>): void {
  event.body = asText(event.body);
  const { body, headers, isBase64Encoded } = event;
  if (body === undefined || body === null || body === '') {
    throw new AppError('BODY_MISSING', 'The request needs a JSON body and has none.');
  }
  if (Buffer.byteLength(body, isBase64Encoded ? 'base64' : 'utf8') > MAX_BODY_BYTES) {
    throw new AppError('BODY_TOO_LARGE', `The body may have ${MAX_BODY_BYTES} bytes at most.`);
  }
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) {
    throw new AppError('CONTENT_TYPE', 'The body must be declared as application/json.');
  }
}

/** Replaces the error of middy's parser, which says 422 for bad JSON and holds the body as its cause. */
function bodyFaultsOnError(request: middy.Request<HttpEvent>): void {
  const { error } = request;
  if (!error || !('statusCode' in error)) return;
  if (error.statusCode === 422) {
    request.error = error.message.startsWith('Invalid or malformed JSON')
      ? new AppError('BODY_NOT_JSON', 'The body is not a JSON document.')
      : invalid([{ path: '', message: 'Keys that change an object itself are refused.' }]);
  }
}

/** serverless-offline passes `false` and `0` on unchanged, and a hand-made event may hold an object. */
function asText(body: unknown): string | undefined {
  if (body === undefined || body === null || typeof body === 'string') return body ?? undefined;
  return JSON.stringify(body);
}
