/** The paths of a small chart. */

export interface Points {
  /** The path of the line; it breaks where a value is missing. */
  readonly line: string;
  /** The path of the area below the line. */
  readonly area: string;
}

/** @param top the value at the upper edge */
export function pointsOf(
  values: readonly (number | null)[],
  top: number,
  width: number,
  height: number,
): Points {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const runs: [x: number, y: number][][] = [[]];
  values.forEach((value, index) => {
    if (value === null) runs.push([]);
    else {
      const x = values.length > 1 ? index * step : width;
      runs.at(-1)?.push([x, height - (Math.min(value, top) / (top || 1)) * height]);
    }
  });
  const drawn = runs.filter((run) => run.length > 0);
  const pathOf = (run: [number, number][]) =>
    run.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');
  return {
    line: drawn.map(pathOf).join(''),
    area: drawn
      .map((run) => {
        const [first, last] = [run[0]?.[0] ?? 0, run.at(-1)?.[0] ?? 0];
        return `${pathOf(run)}L${round(last)} ${height}L${round(first)} ${height}Z`;
      })
      .join(''),
  };
}

const round = (value: number) => Math.round(value * 10) / 10;
