import { fetchKeys } from '../../lib/identity/fetch-keys.ts';
import type { KeySet } from '../../lib/key-set.ts';
import { isSafeAddress } from '../../lib/safe-address.ts';

const help = `npm run auth:keys prints an issuer's public keys as JSON, for AUTH_JWKS: functions in a VPC without NAT
cannot ask for them. A new key of the issuer needs a new deploy.

  AUTH_ISSUER=https://issuer.example npm run -s auth:keys
  AUTH_JWKS=$(npm run -s auth:keys -- https://issuer.example) npx sls deploy --stage prod

The issuer is the argument, else AUTH_ISSUER. With AUTH_JWKS_URL its keys are taken from there, not from
the address in its metadata.
`;

const LIMIT = 10_000;

/** The members that a check needs. Certificates, which many issuers add, would be too large. */
const NEEDED = ['kty', 'kid', 'alg', 'use', 'crv', 'n', 'e', 'x', 'y'];

/** A function's variables may have 4 KB together: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
const MUCH = 3000;

/** The keys that can check signatures, with only the members that a check needs. */
function neededOf({ keys }: KeySet): KeySet {
  const own = keys.filter(({ kid, use = 'sig' }) => typeof kid === 'string' && use === 'sig');
  if (own.length === 0)
    throw new Error('The issuer has no key with a "kid" that checks signatures.');
  const trim = (key: KeySet['keys'][number]) =>
    Object.fromEntries(NEEDED.flatMap((name) => (name in key ? [[name, key[name]]] : [])));
  return { keys: own.map((key) => ({ ...trim(key), kty: key.kty })) };
}

async function main(args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  if (args.some((argument) => ['--help', '-h', 'help'].includes(argument))) {
    process.stdout.write(help);
    return;
  }
  const issuer = args[0] ?? env.AUTH_ISSUER;
  if (!issuer || args.length > 1) throw new Error(`Give one issuer.\n${help}`);
  const url = env.AUTH_JWKS_URL || undefined;
  for (const address of [issuer, url ?? issuer]) {
    if (isSafeAddress(address)) continue;
    throw new Error(`${address} is no safe address of an issuer: it must begin with https.`);
  }
  const text = JSON.stringify(neededOf(await fetchKeys({ issuer, url }, LIMIT)));
  process.stdout.write(`${text}\n`);
  if (text.length < MUCH) return;
  process.stderr.write(
    `These are ${text.length} bytes, and a function's variables may have 4096 together.\n`,
  );
}

if (import.meta.main) {
  main(process.argv.slice(2), process.env).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  });
}
