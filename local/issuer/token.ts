import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { importJWK, SignJWT } from 'jose';
import { identityOf, writtenByStart } from '../../infra/identity.cjs';
import { identifier } from '../../lib/fields.ts';
import { OPERATE, SCOPES } from '../../lib/identity/caller.ts';
import { rotateKeys, type SigningKey, signingKeys } from './signing-keys.ts';

const help = `npm run token prints a token of the local issuer, for the header "authorization: Bearer <token>".
It needs "AUTH=local npm start" in another terminal.

  npm run token -- --customer <id>        a customer, who sees and changes what is their own
  npm run token -- --operator             an operator, who may do everything
  npm run token -- --machine --scope <scope> [--scope <scope>]
                                          a program that may do what its scopes say:
                                          ${SCOPES.join(', ')}
  --minutes <n>                           for how long the token is valid; 60
  npm run token -- --rotate               makes a new key, which signs from now on; prints no token
  --directory <folder>                    where npm start keeps its data; .local

In a script, npm's own lines are left out by -s: TOKEN=$(npm run -s token -- --customer customer-1)
`;

/** No customer's id has a slash. A token whose `sub` is its client is a machine's. */
const CLIENTS = { customer: 'local/shop', operator: 'local/desk', machine: 'local/machine' };

const DIRECTORY = join(import.meta.dirname, '../../.local');

/** The claims of a token about its caller. */
type Claims = { sub: string; client_id: string; scope?: string };

type Wanted = {
  help: boolean;
  rotate: boolean;
  minutes: number;
  directory: string;
  claims: Claims | undefined;
};

async function main(args: string[]): Promise<void> {
  const { help: asksHelp, rotate, directory, claims, minutes } = readWanted(args);
  if (asksHelp) process.stdout.write(help);
  if (rotate) {
    await rotateKeys(directory);
    process.stderr.write('A new key signs from now on; tokens of the key before it stay valid.\n');
  }
  if (claims) process.stdout.write(`${await freshToken({ directory, claims, minutes })}\n`);
}

/**
 * A token of the local issuer about this caller.
 *
 * @throws Error that says how to start the issuer when it does not run
 */
export async function freshToken({
  directory,
  claims,
  minutes,
}: Pick<Wanted, 'directory' | 'minutes'> & { claims: Claims }): Promise<string> {
  const issuer = runningIssuer(directory, process.env);
  const [key] = await signingKeys(directory);
  if (!key) throw new Error('The local issuer has no key.');
  return signToken({ claims, minutes }, key, issuer);
}

/** The options of `npm run token`. @throws Error that names the wrong option */
export function readWanted(args: string[]): Wanted {
  const { values } = parseArgs({
    args,
    options: {
      customer: { type: 'string' },
      operator: { type: 'boolean', default: false },
      machine: { type: 'boolean', default: false },
      scope: { type: 'string', multiple: true, default: [] },
      minutes: { type: 'string', default: '60' },
      rotate: { type: 'boolean', default: false },
      directory: { type: 'string', default: DIRECTORY },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { customer, operator, machine, rotate } = values;
  if (!/^[1-9]\d{0,5}$/.test(values.minutes)) {
    throw new Error(`--minutes takes a whole number from 1 on, not ${values.minutes}.`);
  }
  const { help: asksHelp, directory } = values;
  const wanted = { help: asksHelp, rotate, directory, minutes: Number(values.minutes) };
  if (asksHelp) return { ...wanted, claims: undefined };
  const kinds = [customer !== undefined, operator, machine, rotate].filter(Boolean).length;
  if (kinds !== 1) throw new Error('Give one of --customer <id>, --operator, --machine, --rotate.');
  const scopes = values.scope.flatMap((text) => text.split(/[\s,]+/));
  if (scopes.length > 0 && !machine) throw new Error('--scope goes with --machine.');
  return { ...wanted, claims: rotate ? undefined : claimsOf(customer, machine, scopes) };
}

async function signToken(
  { claims, minutes }: { claims: Claims; minutes: number },
  key: SigningKey,
  { issuer, audience }: { issuer: string; audience: string },
): Promise<string> {
  const seconds = Math.floor(Date.now() / 1000);
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + minutes * 60)
    .sign(await importJWK(key, key.alg));
}

function claimsOf(customer: string | undefined, machine: boolean, scopes: string[]): Claims {
  if (customer !== undefined) {
    const { success, error } = identifier.safeParse(customer);
    if (success) return { sub: customer, client_id: CLIENTS.customer };
    throw new Error(`--customer ${customer}: ${error.issues[0]?.message}.`);
  }
  if (!machine) return { sub: 'operator', client_id: CLIENTS.operator, scope: OPERATE };
  const unknown = scopes.find((scope) => !SCOPES.some((known) => known === scope));
  if (unknown !== undefined) {
    throw new Error(`--scope ${unknown} is none of ${SCOPES.join(', ')}.`);
  }
  return { sub: CLIENTS.machine, client_id: CLIENTS.machine, scope: scopes.join(' ') };
}

/** The address of the running issuer, as the functions of stage local find it. */
function runningIssuer(directory: string, env: NodeJS.ProcessEnv) {
  const written = writtenByStart(join(directory, 'env.json'));
  const { AUTH, AUTH_ISSUER, AUTH_AUDIENCE } = identityOf('local', {}, env, written);
  if (AUTH === 'local' && AUTH_ISSUER && AUTH_AUDIENCE) {
    return { issuer: AUTH_ISSUER, audience: AUTH_AUDIENCE };
  }
  throw new Error(
    'The local issuer is not running: start everything with "AUTH=local npm start" in another terminal.',
  );
}

if (import.meta.main) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.stderr.write('"npm run token -- --help" shows how to call it.\n');
    process.exitCode = 1;
  });
}
