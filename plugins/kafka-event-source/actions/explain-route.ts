/** `GET /api/explain`: why a record was not delivered, and what holds the mappings up. */
import { z } from 'zod';
import { errorAnswer, json } from '../console/answers.ts';
import { readQuery } from '../control/request.ts';
import type { Route } from '../control/server.ts';
import { explainPlace, type ToolContext } from './tools.ts';

const number = z.coerce.number<string>().int().min(0).optional();
const placeQuery = z.strictObject({
  topic: z.string().optional(),
  partition: number,
  offset: number,
  mapping: z.string().optional(),
});

/** Answers a list with one explanation for each mapping that could deliver the record. */
export function explainRoute(context: ToolContext): Route {
  return async ({ method, path, query }) => {
    if (method !== 'GET' || path !== '/api/explain') return undefined;
    try {
      return json({ items: await explainPlace(context, readQuery(placeQuery, query)) });
    } catch (error) {
      return errorAnswer(error);
    }
  };
}
