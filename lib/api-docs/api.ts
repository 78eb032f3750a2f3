import * as z from 'zod';
import type { Operation } from '../http/operation.ts';
import type { Route } from '../http/routes.ts';

export const OPENAPI_VERSION = '3.1.1';

/** The operations that show the API itself. */
export const DOCS_OPERATIONS = {
  'GET /api/docs': {
    id: 'docs',
    rule: 'open',
    summary: 'Read the documentation',
    description: 'The documentation of this API as one page, which loads nothing else.',
    input: {},
    request: {},
    answer: { status: 200, description: 'The page.', mediaType: 'text/html' },
    refusals: [],
  },
  'GET /api/openapi.json': {
    id: 'openapi',
    rule: 'open',
    summary: 'Get this document',
    description: 'The documentation of this API as OpenAPI 3.1.',
    input: {},
    request: {},
    answer: {
      status: 200,
      description: 'The document.',
      schema: z.looseObject({ openapi: z.literal(OPENAPI_VERSION) }),
    },
    refusals: [],
  },
} satisfies Partial<Record<Route, Operation>>;
