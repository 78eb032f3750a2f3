/** The number for JSON with the fewest digits that name this float of 32 bits: 1.1, and not 1.100000023841858. */
export function shortest(float: number): number {
  for (let digits = 1; digits < 9; digits += 1) {
    const found = Number(float.toPrecision(digits));
    if (Math.fround(found) === float) return found;
  }
  return float;
}
