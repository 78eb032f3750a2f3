import { AppError } from '../errors.ts';
import { type Caller, OPERATE, type Scope } from './caller.ts';

/**
 * Says who may use an operation. `open`: everybody, also without a token. `known`: every caller with
 * a token. Otherwise: an operator, a machine with the scope, and a customer on their own data. With
 * `moves`, a customer may make only these moves.
 */
export type Rule = 'open' | 'known' | { scope: Scope; owner: Owner; moves?: readonly string[] };

/**
 * The place that says which customer owns the data. `path`, `query`, `body`: the field `customerId`
 * in that part of the request, so a refusal tells the caller nothing new. `found`: the data itself,
 * which is found by its id, so another customer must not learn that it exists.
 */
export type Owner = 'path' | 'query' | 'body' | 'found';

/** The owner of the data that a request is about, and the move that the request asks for. */
export type Resource = { owner: string; move?: string | undefined };

/** `undecided`: the owner decides, so ask again with the resource. `hidden`: answer 404. */
export type Decision =
  | 'allowed'
  | 'undecided'
  | 'hidden'
  | { refused: 'NOT_YOURS' }
  | { refused: 'SCOPE_MISSING'; scope: Scope | typeof OPERATE };

export function decide(rule: Rule, caller: Caller, resource?: Resource): Decision {
  if (rule === 'open' || rule === 'known' || caller.kind === 'operator') return 'allowed';
  if (caller.kind === 'machine') {
    return caller.scopes.includes(rule.scope)
      ? 'allowed'
      : { refused: 'SCOPE_MISSING', scope: rule.scope };
  }
  if (!resource) return 'undecided';
  const { owner, move } = resource;
  if (owner !== caller.customerId) {
    return rule.owner === 'found' ? 'hidden' : { refused: 'NOT_YOURS' };
  }
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
