import { routeOf } from '../deploy/authorizer.ts';
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
  const held: { text: string; print: () => void }[] = [];
  const restores = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write.bind(stream);
    stream.write = (chunk: Uint8Array | string) => {
      const text = String(chunk);
      if (!isHeld(text)) return write(chunk);
      held.push({ text, print: () => write(chunk) });
      return true;
    };
    return () => {
      stream.write = write;
    };
  });
  const end = (isShown: (text: string) => boolean) => {
    for (const restore of restores) restore();
    for (const { text, print } of held) if (isShown(text)) print();
  };
  const showAll = () => end(() => true);
  process.once('exit', showAll);
  return () => {
    process.off('exit', showAll);
    end((text) => WORTH_SEEING.test(text));
  };
}

/** The routes of the functions, a line for each path with its methods. */
export function routesOf(functions: Record<string, Definition>): string[] {
  const routes = Object.values(functions)
    .flatMap(({ events = [] }) => events)
    .flatMap(({ httpApi }) => (httpApi ? [routeOf(httpApi)] : []))
    .filter(({ method }) => method);
  const paths = Map.groupBy(routes, ({ path }) => path);
  return [...paths].map(([path, ofPath]) => {
    const methods = ofPath.map(({ method }) => method).join(' ');
    return `${methods.padEnd(8)} ${path}`;
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
