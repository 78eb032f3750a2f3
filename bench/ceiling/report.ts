import { table } from '../figures.ts';
import { type Costs, PARTS } from './profile.ts';
import type { Measured } from './stage.ts';

/** The orders a second that a stage can carry. */
function ordersPerSecond({ rate, perOrder }: Pick<Measured, 'rate' | 'perOrder'>): number {
  return rate / perOrder;
}

/** The stages, the one that ends first before the others. */
export function byEnd<T extends Pick<Measured, 'rate' | 'perOrder'>>(stages: readonly T[]): T[] {
  return stages.toSorted((a, b) => ordersPerSecond(a) - ordersPerSecond(b));
}

/** The tables for people to read, and the stage that ends first. */
export function report(measured: readonly Measured[], cores: number): string {
  const stages = byEnd(measured);
  return [rates(stages), conclusion(stages), costs(stages, cores)].join('\n\n');
}

/** Names the stage that ends first; a stage that few orders pass is left out. */
export function conclusion(measured: readonly Measured[]): string {
  const [first] = byEnd(measured.filter(({ isPassedByAll }) => isPassedByAll));
  if (!first) return 'No stage was measured that every order passes.';
  const { name, rate, bareRate, waiting } = first;
  return (
    `${name} ends first: it carries ${ordersPerSecond(first).toFixed(0)} orders/s, ` +
    `${(rate / bareRate).toFixed(2)} of its bare limit, and waits for others in ` +
    `${percent(waiting)} of the time.`
  );
}

function rates(stages: readonly Measured[]): string {
  const head = [
    'stage',
    'records an order',
    'records/s',
    'bare/s',
    'share',
    'p50 ms',
    'p95 ms',
    'orders/s',
  ];
  const rows = stages.map((stage) => [
    stage.name,
    stage.perOrder,
    stage.rate.toFixed(0),
    stage.bareRate.toFixed(0),
    (stage.rate / stage.bareRate).toFixed(2),
    stage.p50?.toFixed(1) ?? '',
    stage.p95?.toFixed(1) ?? '',
    ordersPerSecond(stage).toFixed(0),
  ]);
  return table(head, rows);
}

/** Where the time goes: a column for each stage. */
function costs(stages: readonly Measured[], cores: number): string {
  const row = (name: string, figure: (stage: Measured) => string) => [name, ...stages.map(figure)];
  const parts = [...PARTS, 'other threads'] as const satisfies (keyof Costs)[];
  const rows = [
    ...parts.map((part) => row(part, ({ costs }) => microseconds(costs[part]))),
    row('this process', (stage) => microseconds(allOf(stage))),
    row('other processes', ({ others }) => microseconds(others)),
    row('main thread waits', ({ waiting }) => percent(waiting)),
    row(`busy of ${cores} cores`, ({ busy }) => busy.toFixed(2)),
  ];
  return table(['processor, µs a record', ...stages.map(({ name }) => name)], rows);
}

function allOf({ costs }: Measured): number {
  return Object.values(costs).reduce((sum, cost) => sum + cost, 0);
}

function microseconds(cost: number): string {
  return cost.toFixed(cost < 10 ? 1 : 0);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
