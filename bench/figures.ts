/** The value below which this share of all values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The differences of values from the base, by pairs of the same round. */
export function differences(values: readonly number[], base: readonly number[]): number[] {
  return values.map((value, round) => value - (base[round] ?? value));
}

/** Milliseconds that the work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The same values in a random order. */
export function shuffled<T>(all: readonly T[]): T[] {
  const places = new Map(all.map((one) => [one, Math.random()]));
  return all.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
}

/** A table for people to read. */
export function table(head: string[], rows: (string | number)[][]): string {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return cells.map(line).join('\n');
}
