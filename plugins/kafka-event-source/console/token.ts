/** The token of the page, which a tab that stays open over a restart still has. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newToken } from '../control/guard.ts';
import type { Place } from '../control/server.ts';
import { makeFolder } from '../recorder/schema.ts';
import { STORE_FOLDER } from '../recorder/types.ts';

/** Reads the service's token, or makes one. It lies beside what the recorder keeps; only its owner reads it. */
export function keptToken({ folder, stage }: Place): string {
  const file = join(folder, STORE_FOLDER, `${encodeURIComponent(stage)}.token`);
  try {
    const [known] = /^[\w-]{22}$/.exec(readFileSync(file, 'utf8')) ?? [];
    if (known) return known;
  } catch {
    // There is none yet.
  }
  const token = newToken();
  try {
    makeFolder(join(folder, STORE_FOLDER));
    writeFileSync(file, token, { mode: 0o600 });
  } catch {
    // Without a folder to write to, each start has a token of its own.
  }
  return token;
}
