import { type Access, accessOf } from '../identity/access.ts';
import { NOBODY } from '../identity/caller.ts';
import type { Callers } from '../identity/callers.ts';
import type { Rule } from '../identity/rule.ts';

/**
 * Finds the caller, and refuses a caller that the rule always refuses. This comes before any other
 * part of the request is read.
 *
 * @param callers may be absent for an open operation that answers all callers the same
 * @throws AppError of a status 401, 403, 429 or 503
 */
export async function accessTo(
  rule: Rule,
  authorization: string | undefined,
  callers: Callers | undefined,
): Promise<Access> {
  if (rule === 'open') return accessOf(rule, (await callers?.ask(authorization)) ?? NOBODY);
  if (!callers) throw new Error('Only an open operation can work without callers.');
  return accessOf(rule, await callers.demand(authorization));
}

/**
 * Checks the owner that the request names, if the rule says that it names one.
 *
 * @throws AppError `NOT_YOURS` or `SCOPE_MISSING`
 */
export function checkNamedOwner(rule: Rule, access: Access, input: object): void {
  if (typeof rule === 'string' || rule.owner === 'found') return;
  const owner = customerIn(Reflect.get(input, rule.owner));
  if (owner !== undefined) access.allows(owner);
}

function customerIn(part: unknown): string | undefined {
  if (typeof part !== 'object' || part === null || !('customerId' in part)) return undefined;
  return typeof part.customerId === 'string' ? part.customerId : undefined;
}
