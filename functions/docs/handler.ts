import { DOCS_OPERATIONS } from '../../lib/api-docs/api.ts';
import { openApiDocument } from '../../lib/api-docs/openapi.ts';
import { PAGE_POLICY, page } from '../../lib/api-docs/page.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import type { RequestFacts } from '../../lib/http/request.ts';

const HTML = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': PAGE_POLICY,
};

/**
 * docs shows the API, as a page for people and as OpenAPI for programs.
 *
 * Trigger: `GET /api/docs`, `GET /api/openapi.json`
 * Input: nothing
 * Answers: 200 with the page or the document
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: it reads nothing but its own code
 */
export const handler = httpHandler({ operation: operationAt }, async (_, { path }) =>
  path.endsWith('.json')
    ? { statusCode: 200, body: openApiDocument() }
    : { statusCode: 200, headers: HTML, body: page() },
);

function operationAt({ path }: RequestFacts) {
  return DOCS_OPERATIONS[path.endsWith('.json') ? 'GET /api/openapi.json' : 'GET /api/docs'];
}
