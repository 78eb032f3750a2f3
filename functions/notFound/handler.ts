import { loadApiConfig } from '../../lib/config.ts';
import { AppError } from '../../lib/errors.ts';
import { CORS } from '../../lib/http/cors.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import type { RequestFacts } from '../../lib/http/request.ts';
import { methodsAt } from '../../lib/http/routes.ts';
import { type Callers, createCallers } from '../../lib/identity/callers.ts';

/**
 * notFound answers every request that no other function answers.
 *
 * Trigger: every other path and method of the HTTP API
 * Input: nothing
 * Answers: 404; 405 with `allow`; 204 to a browser's preflight request
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: it keeps nothing
 */
export const createHandler = (callers: Callers) =>
  httpHandler({ operation: operationBy, callers }, async (_, { method, path }) => {
    const methods = methodsAt(path);
    if (!methods) throw new AppError('ROUTE_NOT_FOUND', 'Nothing is served at this address.');
    const allow = [...methods, 'OPTIONS'].join(', ');
    if (method === 'OPTIONS') return { statusCode: 204, headers: preflight(allow) };
    throw new AppError('METHOD_NOT_ALLOWED', `This address takes ${allow}.`, { allow });
  });

/** A browser sends no token with a preflight request. */
function operationBy({ method }: RequestFacts) {
  return { rule: method === 'OPTIONS' ? 'open' : 'known', input: {} } as const;
}

function preflight(allow: string): Record<string, string> {
  return {
    allow,
    'access-control-allow-methods': allow,
    'access-control-allow-headers': CORS.requestHeaders.join(', '),
    'access-control-max-age': String(CORS.preflightSeconds),
  };
}

export const handler = createHandler(createCallers(loadApiConfig()));
