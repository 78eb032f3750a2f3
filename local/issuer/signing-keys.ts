import { randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { z } from 'zod';

const ALGORITHM = 'RS256';

/** The key that signs and the one before it, whose tokens stay valid until they expire. */
const KEPT = 2;

const privateKey = z.looseObject({
  kid: z.string(),
  alg: z.literal(ALGORITHM),
  kty: z.literal('RSA'),
  n: z.string(),
  e: z.string(),
  d: z.string(),
});
const fileSchema = z.object({ keys: z.array(privateKey).min(1) });

export type SigningKey = z.infer<typeof privateKey>;

/** The local issuer's keys, the one that signs first; made when there are none. */
export async function signingKeys(directory: string): Promise<SigningKey[]> {
  const file = fileIn(directory);
  if (!existsSync(file)) await write(directory, [await newKey()], (made) => keepFirst(made, file));
  return read(file);
}

/** Makes a new key that signs from now on. */
export async function rotateKeys(directory: string): Promise<void> {
  const keys = [await newKey(), ...(await signingKeys(directory))].slice(0, KEPT);
  await write(directory, keys, (made) => renameSync(made, fileIn(directory)));
}

export function publicPart({ kty, kid, alg, n, e }: SigningKey) {
  return { kty, kid, alg, use: 'sig', n, e };
}

function fileIn(directory: string): string {
  return join(directory, 'issuer-keys.json');
}

function read(file: string): SigningKey[] {
  const parsed = fileSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data.keys;
  throw new Error(
    `${file} does not hold the keys of the local issuer: remove it, and start again.`,
  );
}

async function newKey(): Promise<SigningKey> {
  const pair = await generateKeyPair(ALGORITHM, { modulusLength: 2048, extractable: true });
  const key = await exportJWK(pair.privateKey);
  return privateKey.parse({ ...key, kid: randomUUID(), alg: ALGORITHM });
}

/** Writes the file beside its place, then moves it, so that nobody reads half a file. */
async function write(directory: string, keys: SigningKey[], place: (made: string) => void) {
  const made = `${fileIn(directory)}.${randomUUID()}`;
  mkdirSync(dirname(made), { recursive: true });
  try {
    writeFileSync(made, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    place(made);
  } finally {
    rmSync(made, { force: true });
  }
}

/** If two processes start at once, the keys of the first one stay. */
function keepFirst(made: string, file: string): void {
  try {
    linkSync(made, file);
  } catch (error) {
    if (!existsSync(file)) throw error;
  }
}
