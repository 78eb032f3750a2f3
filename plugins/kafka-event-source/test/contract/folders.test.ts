import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT } from '../support/root.ts';

/** The sources that are packed; tests, benches and scripts may import any of them. */
function sources(): string[] {
  const apart =
    /(^|\/)(node_modules|dist|test|bench|examples)\/|\.test\.ts$|\.d\.[cm]?ts$|^(build|jest\.config)\.ts$/;
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !apart.test(file),
  );
}

/** The file's folder; a file at the top counts as a folder of its own. */
const roomOf = (file: string) => (dirname(file) === '.' ? file : dirname(file));

/** The imports of each room, types included. */
function imports(): Map<string, Set<string>> {
  const rooms = new Map<string, Set<string>>();
  for (const file of sources()) {
    const room = rooms.get(roomOf(file)) ?? new Set();
    rooms.set(roomOf(file), room);
    const text = readFileSync(join(ROOT, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
      const imported = roomOf(normalize(join(dirname(file), name)));
      if (imported !== roomOf(file)) room.add(imported);
    }
  }
  return rooms;
}

function reachable(from: string, rooms: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const found = new Set<string>();
  for (const open = [from]; open.length > 0; ) {
    for (const next of rooms.get(open.pop() ?? '') ?? []) {
      if (found.has(next)) continue;
      found.add(next);
      open.push(next);
    }
  }
  return found;
}

test('no folder imports, directly or through others, a folder that imports it', () => {
  const rooms = imports();
  expect(rooms.size).toBeGreaterThan(20);
  const circular = [...rooms.keys()].filter((room) => reachable(room, rooms).has(room));
  expect(circular).toEqual([]);
});
