/** Watches files for `--watch`. */
import { readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** Editors and tools write a file in several steps. */
const SETTLE_MS = 300;

/**
 * Calls `changed` after each change of a file's content, also when it is replaced by another file. The
 * next call waits for the end of this one.
 *
 * @returns ends the watching
 */
export function watchFiles(files: readonly string[], changed: () => Promise<void>): () => void {
  const contents = () => files.map(contentOf).join('\0');
  let known = contents();
  let running = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    const now = contents();
    if (now === known) return;
    known = now;
    running = running.then(changed);
  };
  const watchers = [...new Set(files.map((file) => dirname(file)))].map((folder) =>
    watch(folder, () => {
      clearTimeout(timer);
      timer = setTimeout(look, SETTLE_MS);
    }),
  );
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

/** The file's content; empty for a file that is away for a moment. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
