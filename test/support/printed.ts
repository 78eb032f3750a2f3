import { jest } from '@jest/globals';

/** Keeps the output of the process from now until `jest.restoreAllMocks()`, and shows none of it. */
export function capture() {
  let text = '';
  for (const stream of [process.stdout, process.stderr]) {
    jest.spyOn(stream, 'write').mockImplementation((chunk: unknown) => {
      text += String(chunk);
      return true;
    });
  }
  return {
    text: () => text,
    /** The log lines and metrics. */
    lines: <Line = Record<string, unknown>>() =>
      text
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line): Line => JSON.parse(line)),
    clear() {
      text = '';
    },
  };
}
