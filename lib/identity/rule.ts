import { AppError } from '../errors.ts';
import { type Caller, OPERATE, type Scope } from './caller.ts';

/**
 * Says who may use an operation. `open`: everybody. Otherwise: an operator, a machine with the
 * scope, and a customer on their own data. With `moves`, a customer may make only these moves.
 */
export type Rule = 'open' | { scope: Scope; moves?: readonly string[] };

/**
 * The owner of the data that a request is about. `named`: the request names the owner, so a refusal
 * tells the caller nothing new. Otherwise the data was found by its id, and another customer must
 * not learn that it exists.
 */
export type Resource = { owner: string; named: boolean; move?: string };

/** `undecided`: the owner decides, so ask again with the resource. `hidden`: answer 404. */
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

/** The error that a refused caller gets. */
export function refusalOf(refusal: Extract<Decision, { refused: string }>): AppError {
  if (refusal.refused === 'NOT_YOURS') {
    return new AppError('NOT_YOURS', 'Your token stands for another customer.');
  }
  const { scope } = refusal;
  return new AppError('SCOPE_MISSING', `The token needs the scope "${scope}".`, { scope });
}
