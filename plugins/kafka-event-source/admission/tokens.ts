/** Accesses by a token: AWS takes them, and this emulator cannot sign in by them. */
import { paraphrased, type Refusal } from './refusal.ts';

/**
 * Each with the types of which it needs one beside itself.
 * https://docs.aws.amazon.com/lambda/latest/api/API_SourceAccessConfiguration.html
 */
const TOKENS: Readonly<Record<string, readonly string[]>> = {
  OAUTHBEARER_AUTH: [],
  OAUTHBEARER_SCOPE: ['OAUTHBEARER_AUTH'],
  OAUTHBEARER_AUDIENCE: ['OAUTHBEARER_AUTH', 'IAM_OAUTHBEARER_AUTH'],
  OAUTHBEARER_LOGICAL_CLUSTER: ['OAUTHBEARER_AUTH'],
  OAUTHBEARER_IDENTITY_POOL: ['OAUTHBEARER_AUTH'],
  IAM_AUTH: [],
  IAM_OAUTHBEARER_AUTH: ['OAUTHBEARER_AUDIENCE'],
};

/** AWS: the role of the function signs in, so these have no URI. */
const BY_ROLE: readonly string[] = ['IAM_AUTH', 'IAM_OAUTHBEARER_AUTH'];

/** Whether the access is by a token. */
export const isByToken = (type: string): boolean => Object.hasOwn(TOKENS, type);

/** Whether the access is by the role of the function, and has no URI. */
export const isByRole = (type: string): boolean => BY_ROLE.includes(type);

/** Refuses types that lack another one. */
export function refuseTokens(types: readonly string[]): Refusal[] {
  return types.flatMap((type) => {
    const needed = isByToken(type) ? (TOKENS[type] ?? []) : [];
    if (needed.length === 0 || needed.some((one) => types.includes(one))) return [];
    return [paraphrased(`The access ${type} needs ${needed.join(' or ')} beside it.`)];
  });
}
