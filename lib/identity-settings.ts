import * as z from 'zod';
import { type KeySet, keySetSchema } from './key-set.ts';
import { isSafeAddress } from './safe-address.ts';

/** The algorithms that the gateway's authorizer takes, too: it knows RSA only. */
const WITH_GATEWAY = ['RS256', 'RS384', 'RS512'];
const WITHOUT_GATEWAY = [...WITH_GATEWAY, 'ES256', 'EdDSA', 'Ed25519'];

const name = z.string().min(1);
const address = z.string().refine(isSafeAddress, 'https, or http on this machine, without a user');

/** The variables that say who may call. lib/config.ts reads them for functions that check callers. */
export const identityFields = {
  AUTH: z.enum(['off', 'local', 'jwt']),
  AUTH_ISSUER: address.optional(),
  AUTH_AUDIENCE: z
    .string()
    .transform((text) => text.split(/\s*,\s*/))
    .pipe(z.array(name))
    .optional(),
  AUTH_JWKS_URL: address.optional(),
  AUTH_JWKS: z.string().transform(asJson).pipe(keySetSchema).optional(),
  AUTH_GATEWAY: z.enum(['on', 'off']).optional(),
  AUTH_SCOPE_PREFIX: name.optional(),
  AUTH_CUSTOMER_CLAIM: name.optional(),
  AUTH_ROLES_CLAIM: name.optional(),
  AUTH_OPERATOR_ROLE: name.optional(),
};

export type IdentityVariables = z.output<z.ZodObject<typeof identityFields>>;

/** The source of the keys that check signatures. The issuer's metadata names a missing `url`. */
export type KeySource = { given: KeySet } | { issuer: string; url?: string | undefined };

/** How a token is checked and read. */
export type TokenSettings = {
  issuer: string;
  audience: string[];
  algorithms: string[];
  keys: KeySource;
  /** This prefix is cut off each scope: Cognito names scopes `<resource server>/<scope>`. */
  scopePrefix: string;
  customerClaim: string;
  /** The role that makes a caller an operator, and the claim that lists a caller's roles. */
  operator: { claim: string; role: string } | undefined;
};

export type Identity = {
  /** True if a request without a token is refused. If false, its caller is an operator. */
  isDemanded: boolean;
  /** Absent if tokens are not read at all. */
  tokens: TokenSettings | undefined;
};

/** Adds a fault for every missing variable that another one needs. */
export function checkIdentity(
  set: IdentityVariables & { HASH_SECRET?: string | undefined },
  context: z.RefinementCtx,
): void {
  const { AUTH, AUTH_ISSUER, AUTH_JWKS } = set;
  const need = (path: keyof typeof set, asking: string) => {
    if (set[path] !== undefined) return;
    context.addIssue({ code: 'custom', path: [path], message: `${asking} needs it` });
  };
  if (AUTH !== 'off') need('AUTH_ISSUER', `AUTH=${AUTH}`);
  if (AUTH_ISSUER)
    for (const path of ['AUTH_AUDIENCE', 'HASH_SECRET'] as const) need(path, 'AUTH_ISSUER');
  if (set.AUTH_ROLES_CLAIM) need('AUTH_OPERATOR_ROLE', 'AUTH_ROLES_CLAIM');
  if (set.AUTH_OPERATOR_ROLE) need('AUTH_ROLES_CLAIM', 'AUTH_OPERATOR_ROLE');
  if (AUTH_JWKS && set.AUTH_JWKS_URL) {
    const message = 'keys are given by AUTH_JWKS already: set one of the two';
    context.addIssue({ code: 'custom', path: ['AUTH_JWKS_URL'], message });
  }
}

export function identityOf(set: IdentityVariables): Identity {
  return { isDemanded: set.AUTH !== 'off', tokens: tokensOf(set) };
}

function tokensOf(set: IdentityVariables): TokenSettings | undefined {
  const { AUTH_ISSUER: issuer, AUTH_ROLES_CLAIM: claim, AUTH_OPERATOR_ROLE: role } = set;
  if (issuer === undefined) return undefined;
  return {
    issuer,
    audience: set.AUTH_AUDIENCE ?? [],
    algorithms: set.AUTH_GATEWAY === 'off' ? WITHOUT_GATEWAY : WITH_GATEWAY,
    keys: set.AUTH_JWKS ? { given: set.AUTH_JWKS } : { issuer, url: set.AUTH_JWKS_URL },
    scopePrefix: set.AUTH_SCOPE_PREFIX ?? '',
    customerClaim: set.AUTH_CUSTOMER_CLAIM ?? 'sub',
    operator: claim && role ? { claim, role } : undefined,
  };
}

function asJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message would repeat the given text; "no JSON" says enough.
    context.addIssue({ code: 'custom', message: 'no JSON: "npm run auth:keys" prints it' });
    return z.NEVER;
  }
}
