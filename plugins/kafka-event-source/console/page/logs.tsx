/** The log lines of an invocation. */
import type { Invocation } from '../../recorder/types.ts';
import { clockText } from './format.ts';
import { Box } from './parts.tsx';

export function Logs({ of }: { of: Invocation['logs'] }) {
  if (typeof of === 'string') return <p class="quiet">Logs are {of}.</p>;
  if (of.length === 0) return <p class="quiet">The function has logged nothing.</p>;
  const now = Date.now();
  const lines = of.map(({ at, line }) =>
    at === undefined ? line : `${clockText(at, now)}  ${line}`,
  );
  return <Box label="Log lines" text={lines.join('\n')} />;
}
