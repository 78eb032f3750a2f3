/** Rounds of faults from a seed, for some time or a number of them, and their summary. */
import { type RoundReport, runRound } from './round.ts';

export interface SoakOptions {
  readonly brokers: readonly string[];
  readonly seed: number;
  /** No round begins after this time. */
  readonly forMs: number;
  readonly onRound?: (report: RoundReport) => void;
}

export interface SoakSummary {
  readonly seed: number;
  readonly rounds: number;
  readonly minutes: number;
  readonly violations: readonly { readonly seed: number; readonly violation: string }[];
  readonly counts: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
}

/** The second round of seed 7 is the first of seed 8. */
export async function soak({ brokers, seed, forMs, onRound }: SoakOptions): Promise<SoakSummary> {
  const began = performance.now();
  const violations: { seed: number; violation: string }[] = [];
  const counts: Record<string, number> = {};
  const faults: Record<string, number> = {};
  let rounds = 0;
  do {
    const report = await runRound({ brokers, seed: seed + rounds, times: 2 });
    rounds += 1;
    add(counts, report.counts);
    add(faults, report.faults);
    violations.push(...report.violations.map((violation) => ({ seed: report.seed, violation })));
    onRound?.(report);
  } while (performance.now() - began < forMs);
  const minutes = Math.round((performance.now() - began) / 6_000) / 10;
  return { seed, rounds, minutes, violations, counts, faults };
}

function add(sums: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + count;
}
