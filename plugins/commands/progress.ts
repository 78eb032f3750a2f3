const EVERY_MS = 5_000;

/** Says every five seconds how far a long work is, until it is disposed. */
export function sayProgress(text: () => string, say: (text: string) => void): Disposable {
  const timer = setInterval(() => say(text()), EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
