import { type FSWatcher, globSync, watch } from 'node:fs';
import { join } from 'node:path';

/** The pause from the last event to the call: an editor writes a file in several steps. */
const SETTLE = 50;

/**
 * Calls back after a change in one of the folders or below; changes during a call lead to one more call.
 * Each folder is watched by itself: Node's recursive watch misses the second change of a file that an editor
 * replaces.
 *
 * @param folders the folders, relative to the root; asked again before every call
 * @param changed must not reject
 * @returns a function that ends the watching
 */
export function watchFolders(
  root: string,
  folders: () => Iterable<string>,
  changed: () => Promise<void>,
): () => void {
  const watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isDue = false;
  let isCalling = false;
  let isStopped = false;
  const close = () => {
    for (const watcher of watchers.splice(0)) watcher.close();
  };
  const follow = () => {
    close();
    for (const folder of folders()) {
      for (const below of globSync(`${folder}/**/`, { cwd: root })) {
        watchers.push(watch(join(root, below), settle));
      }
    }
  };
  const settle = () => {
    isDue = true;
    clearTimeout(timer);
    timer = setTimeout(call, SETTLE);
  };
  const call = async () => {
    if (isCalling || isStopped) return;
    isCalling = true;
    while (isDue && !isStopped) {
      isDue = false;
      try {
        follow();
      } catch {
        settle(); // A folder has gone meanwhile: soon it is no longer found.
      }
      await changed();
    }
    isCalling = false;
  };
  follow();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    close();
  };
}
