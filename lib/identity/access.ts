import type { Caller } from './caller.ts';
import { type Decision, decide, type Rule, refusalOf } from './rule.ts';

/** A caller at an operation. */
export type Access = {
  caller: Caller;
  /**
   * True if the caller may use the data of this owner, and make this move with it. If not, the answer
   * must be the same as for data that does not exist.
   *
   * @throws AppError `NOT_YOURS` or `SCOPE_MISSING`
   */
  allows(owner: string, move?: string): boolean;
};

/** @throws AppError `SCOPE_MISSING` if the rule always refuses the caller */
export function accessOf(rule: Rule, caller: Caller): Access {
  unlessRefused(decide(rule, caller));
  return {
    caller,
    allows: (owner, move) => unlessRefused(decide(rule, caller, { owner, move })) === 'allowed',
  };
}

function unlessRefused(decision: Decision) {
  if (typeof decision === 'object') throw refusalOf(decision);
  return decision;
}
