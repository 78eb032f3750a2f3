import type { JWTPayload } from 'jose';
import { identifier } from '../fields.ts';
import type { TokenSettings } from '../identity-settings.ts';
import type { KeyedHash } from '../keyed-hash.ts';
import { claimAt, invalid, wordsOf } from './claims.ts';

/** The scope that makes an operator, who may do everything. */
export const OPERATE = 'orders:operate';

/** The scopes that a machine may have. */
export const SCOPES = [
  'orders:read',
  'orders:write',
  'notifications:read',
  'preferences:read',
  'preferences:write',
] as const;

export type Scope = (typeof SCOPES)[number];

/** The names that a token has for its caller. They are logged and stored as {@link hashOf} only. */
type Names = { subject?: string | undefined; client?: string | undefined };

/** The caller: a customer, an operator (who may do everything), or a machine (another program). */
export type Caller = Names &
  (
    | { kind: 'customer'; customerId: string }
    | { kind: 'operator' }
    | { kind: 'machine'; scopes: readonly Scope[] }
  );

/** The caller of a request without a token, where tokens are not demanded. */
export const ANYBODY: Caller = { kind: 'operator' };

/** The caller of an open operation who has shown no valid token. */
export const NOBODY: Caller = { kind: 'machine', scopes: [] };

/**
 * The caller's part in the keys of items that belong to one caller. It is empty for a caller without a
 * token, so that keys from before tokens were demanded stay valid.
 */
export function callerKey(caller: Caller): readonly string[] {
  if (caller === ANYBODY) return [];
  const { kind, subject = '', client = '' } = caller;
  return kind === 'customer' ? [kind, caller.customerId] : [kind, subject, client];
}

type Reading = Pick<TokenSettings, 'scopePrefix' | 'customerClaim' | 'operator'>;

/**
 * Reads the caller from the claims of a checked token. A token with the operator's scope or role is
 * an operator's; any other token without a person in it is a machine's; every other token is a
 * customer's, whatever its scopes: a scope says what an app may do, not whose data it may use.
 *
 * @throws AppError `TOKEN_INVALID` when the claim for the customer's id holds no such id
 */
export function callerOf(claims: JWTPayload, settings: Reading): Caller {
  const scopes = scopesOf(claims, settings.scopePrefix);
  const names: Names = { subject: textOf(claims.sub), client: clientOf(claims) };
  if (scopes.includes(OPERATE) || hasRole(claims, settings.operator)) {
    return { kind: 'operator', ...names };
  }
  if (isMachine(claims)) {
    return { kind: 'machine', scopes: SCOPES.filter((one) => scopes.includes(one)), ...names };
  }
  const { customerClaim } = settings;
  const { success, data: customerId } = identifier.safeParse(claimAt(claims, customerClaim));
  if (success) return { kind: 'customer', customerId, ...names };
  throw invalid(`The claim "${customerClaim}" of the token is no customer id.`);
}

/** Names one caller in logs and counters, without showing who the caller is. */
export function hashOf(caller: Caller, hash: KeyedHash): string {
  return hash('caller', ...callerKey(caller)).slice(0, 22);
}

function scopesOf({ scope, scp }: JWTPayload, prefix: string): string[] {
  const all = [...wordsOf(scope), ...wordsOf(scp)];
  return all.flatMap((word) => (word.startsWith(prefix) ? word.slice(prefix.length) : []));
}

function hasRole(claims: JWTPayload, operator: Reading['operator']): boolean {
  return operator !== undefined && wordsOf(claimAt(claims, operator.claim)).includes(operator.role);
}

/**
 * True if a program got the token for itself, by the client credentials grant. This reads only
 * claims that people cannot choose for themselves: a name is not among them.
 */
function isMachine(claims: JWTPayload): boolean {
  const { sub, username, azp, client_id: client, clientAddress } = claims;
  const own = clientOf(claims);
  if (own !== undefined && sub === `${own}@clients`) return true; // Auth0
  if (typeof client !== 'string') return false;
  if (typeof clientAddress === 'string') return client === azp; // Keycloak
  return sub === client && username === undefined; // Cognito, and RFC 9068
}

function clientOf({ client_id: client, azp }: JWTPayload): string | undefined {
  return textOf(client) ?? textOf(azp);
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === 'string' ? claim : undefined;
}
