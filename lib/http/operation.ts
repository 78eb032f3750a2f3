import type { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { AnswerHeader } from './answer.ts';
import type { Schemas } from './input.ts';

/**
 * One operation of the API, all of it in one object: the wrapper checks requests by its `input`,
 * OpenAPI and the page show the rest. `id` is the name of its function; where a function has two
 * operations, that of one of them.
 */
export type Operation = {
  id: string;
  summary: string;
  description: string;
  input: Schemas;
  /** A request that is answered as `answer` shows, with ids and times of its own. */
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
    /** Absent for an answer that is no JSON. */
    schema?: z.ZodType;
    mediaType?: string;
    example?: unknown;
  };
  /** Codes of its own; those of any body, any checked field and any failure come by themselves. */
  refusals: readonly ErrorCode[];
  /** The operations to which the id in its answer, or of its request, leads. */
  links?: Record<string, Link>;
};

type Link = { operationId: string; description: string; parameters: Record<string, string> };
