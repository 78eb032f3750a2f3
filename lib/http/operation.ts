import type { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { Rule } from '../identity/rule.ts';
import type { AnswerHeader } from './answer.ts';
import type { Schemas } from './input.ts';

/**
 * One operation of the API, all of it in one object: the wrapper checks callers by its `rule` and
 * requests by its `input`, OpenAPI and the page show the rest. `id` is the name of the operation's
 * function. If a function has two operations, one of them has the function's name.
 */
export type Operation = {
  id: string;
  summary: string;
  description: string;
  /** The rule of its callers. */
  rule: Rule;
  input: Schemas;
  /** An example request. Its answer is like `answer`, but with other ids and times. */
  request: {
    path?: Record<string, string>;
    query?: Record<string, string>;
    headers?: Record<string, string>;
    body?: object;
  };
  answer: {
    status: number;
    description: string;
    headers?: readonly AnswerHeader[];
    /** Absent if the answer is not JSON. */
    schema?: z.ZodType;
    mediaType?: string;
    example?: unknown;
  };
  /** Its own error codes. Those of its rule, of any body, checked field and failure are added. */
  refusals: readonly ErrorCode[];
  /** The operations that a caller can use next with the id in the answer or the request. */
  links?: Record<string, Link>;
};

type Link = { operationId: string; description: string; parameters: Record<string, string> };
