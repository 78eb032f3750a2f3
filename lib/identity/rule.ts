import { AppError } from '../errors.ts';
import { type Caller, OPERATE, type Scope } from './caller.ts';

/**
 * Who may use an operation. `open`: everybody. Else an operator, a machine with the scope, and a
 * customer for what is their own; with `moves`, those alone of all that the operation can do.
 */
export type Rule = 'open' | { scope: Scope; moves?: readonly string[] };

/**
 * Whose data a request is about. `named`: the request itself says so, and a refusal tells nothing
 * new. Else it was found by an id, and a customer must not learn that it is there.
 */
export type Resource = { owner: string; named: boolean; move?: string };

/** `undecided`: it depends on whose data it is, so ask again with the resource. `hidden`: answer 404. */
export type Decision =
  | 'allowed'
  | 'undecided'
  | 'hidden'
  | { refused: 'NOT_YOURS' }
  | { refused: 'SCOPE_MISSING'; scope: Scope | typeof OPERATE };

export function decide(rule: Rule, caller: Caller, resource?: Resource): Decision {
  if (rule === 'open' || caller.kind === 'operator') return 'allowed';
  if (caller.kind === 'machine') {
    return caller.scopes.includes(rule.scope)
      ? 'allowed'
      : { refused: 'SCOPE_MISSING', scope: rule.scope };
  }
  if (!resource) return 'undecided';
  const { owner, named, move } = resource;
  if (owner !== caller.customerId) return named ? { refused: 'NOT_YOURS' } : 'hidden';
  if (!rule.moves || (move !== undefined && rule.moves.includes(move))) return 'allowed';
  return { refused: 'SCOPE_MISSING', scope: OPERATE };
}

/** A refusal as the error that the caller is answered. */
export function refusalOf(refusal: Extract<Decision, { refused: string }>): AppError {
  if (refusal.refused === 'NOT_YOURS') {
    return new AppError('NOT_YOURS', 'Your token stands for another customer.');
  }
  const { scope } = refusal;
  return new AppError('SCOPE_MISSING', `The token needs the scope "${scope}".`, { scope });
}
