/** The faults that a test plans for invocations, and those that a random run makes. */
import { checkFaulty } from './given.ts';
import type { Random } from './random.ts';
import { matcherOf } from './records.ts';
import type { Faulty, Invocation } from './types.ts';

type Kind = 'fail' | 'timeout' | 'throttle' | 'crash';

/** The fault of one invocation. */
export interface Fault {
  readonly kind: Kind | 'rebalance';
  /** Whether the handler does its work before the fault. */
  readonly after: boolean;
  /** Ends the handler's work earlier. */
  readonly during?: Promise<unknown> | undefined;
  readonly message?: string | undefined;
}

type Invoked = Pick<Invocation, 'attempt' | 'records'>;

interface Plan extends Fault {
  readonly isMeant: (invocation: Invoked) => boolean;
  left: number;
}

/** The shares of first attempts that go wrong in a random run. */
const SHARES: readonly (readonly [share: number, fault: Fault])[] = [
  [0.15, { kind: 'crash', after: true }],
  [0.05, { kind: 'fail', after: false }],
  [0.05, { kind: 'throttle', after: false }],
  [0.05, { kind: 'rebalance', after: true }],
];

export class FaultPlans {
  readonly #plans = new Map<string, Plan[]>();
  readonly #random: Random | undefined;

  constructor(random: Random | undefined) {
    this.#random = random;
  }

  /** @throws Error for wrong options */
  plan(functionKey: string, kind: Kind, faulty: Faulty): void {
    checkFaulty(faulty);
    const { times, record, after, during, message } = faulty;
    const plans = this.#plans.get(functionKey) ?? [];
    const isOne = matcherOf(record === undefined ? {} : record);
    this.#plans.set(functionKey, plans);
    plans.push({
      kind,
      after: after ?? (kind === 'crash' || during !== undefined),
      during,
      message,
      isMeant: ({ records }) => records.some(isOne),
      left: times ?? (record === undefined ? 1 : Number.POSITIVE_INFINITY),
    });
  }

  /** Uses the first plan for such an invocation. */
  take(functionKey: string, invocation: Invoked): Fault | undefined {
    const plans = this.#plans.get(functionKey) ?? [];
    const plan = plans.find(({ left, isMeant }) => left > 0 && isMeant(invocation));
    if (plan) plan.left -= 1;
    return plan ?? (invocation.attempt === 1 ? this.#chance() : undefined);
  }

  #chance(): Fault | undefined {
    let number = this.#random?.next() ?? 1;
    for (const [share, fault] of SHARES) {
      if (number < share) return fault;
      number -= share;
    }
    return undefined;
  }
}
