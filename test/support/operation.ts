import { OPERATIONS } from '../../lib/api-docs/operations.ts';
import type { Operation } from '../../lib/http/operation.ts';

/** The operation that has the name of the function. */
export function operationOf(name: string): Operation {
  const found = Object.values(OPERATIONS).find(({ id }) => id === name);
  if (!found) throw new Error(`No operation is named ${name}.`);
  return found;
}
