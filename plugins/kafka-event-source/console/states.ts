/** The states of records and invocations in words and tones, for the page and for panels. */
import type { InvocationState, RecordState } from '../recorder/types.ts';
import type { PanelState } from './panel.ts';

type Tone = PanelState['tone'];

export const RECORD_TONES = {
  waiting: 'idle',
  inFlight: 'busy',
  retrying: 'warn',
  filteredOut: 'idle',
  done: 'ok',
  reportedFailed: 'warn',
  deadLettered: 'bad',
  dropped: 'bad',
  expired: 'bad',
} as const satisfies Record<RecordState, Tone>;

export const INVOCATION_TONES = {
  running: 'busy',
  succeeded: 'ok',
  partial: 'warn',
  failed: 'bad',
  timedOut: 'bad',
  throttled: 'warn',
  notReached: 'bad',
  interrupted: 'idle',
} as const satisfies Record<InvocationState, Tone>;

/** The words for states whose names are no words. */
const STATE_WORDS: Readonly<Record<string, string>> = {
  inFlight: 'in flight',
  filteredOut: 'filtered out',
  reportedFailed: 'reported failed',
  deadLettered: 'dead-lettered',
  timedOut: 'timed out',
  notReached: 'not reached',
};

export const stateWords = (state: string): string => STATE_WORDS[state] ?? state;
