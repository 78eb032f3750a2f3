import type { Definition } from './loadable.ts';

/** A line with one of these words is always shown. */
const WORTH_SEEING = /warning|error|deprecat/i;

/**
 * Holds back what this process prints, until the returned function is called: then only lines that warn are
 * printed. If the process ends before, it prints everything.
 *
 * @param isHeld answers true for a text to hold back; by default every text is
 */
export function holdOutput(isHeld: (text: string) => boolean = () => true): () => void {
  const held: (() => void)[] = [];
  const warnings: (() => void)[] = [];
  const restores = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write.bind(stream);
    stream.write = (chunk: Uint8Array | string) => {
      if (!isHeld(String(chunk))) return write(chunk);
      if (WORTH_SEEING.test(String(chunk))) warnings.push(() => write(chunk));
      held.push(() => write(chunk));
      return true;
    };
    return () => {
      stream.write = write;
    };
  });
  const restore = () => {
    for (const one of restores) one();
  };
  const showAll = () => {
    restore();
    for (const show of held) show();
  };
  process.once('exit', showAll);
  return () => {
    process.off('exit', showAll);
    restore();
    for (const show of warnings) show();
  };
}

/** The routes of the functions, a line for each path with its methods. */
export function routesOf(functions: Record<string, Definition>): string[] {
  const routes = Object.values(functions)
    .flatMap(({ events = [] }) => events)
    .flatMap(({ httpApi }) => (typeof httpApi === 'string' ? [httpApi.split(' ')] : []))
    .filter((route): route is [string, string] => route.length === 2);
  const paths = Map.groupBy(routes, ([, path]) => path);
  return [...paths].map(([path, ofPath]) => {
    return `${ofPath
      .map(([method]) => method)
      .join(' ')
      .padEnd(8)} ${path}`;
  });
}

/** Holds back what a first, successful call of this function by HTTP prints. */
export function holdFirstCall(key: string, path: string): void {
  const release = holdOutput((text) => {
    const isEnd = text.includes(`λ: ${key}) RequestId`);
    if (isEnd) setImmediate(release);
    return isEnd || text.trim() === '' || text.includes(path);
  });
}
