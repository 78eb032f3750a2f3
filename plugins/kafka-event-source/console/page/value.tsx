/** Bytes of a record in three ways. They are only ever text. */
import { useState } from 'preact/hooks';
import type { Bytes } from '../../recorder/types.ts';
import { bytesOf, hexOf, prettyJson, textOf } from './bytes.ts';
import { sizeText } from './format.ts';
import { Box } from './parts.tsx';

const WAYS = ['JSON', 'Text', 'Hex'] as const;
type Way = (typeof WAYS)[number];

export function Value({ label, of }: { label: string; of: Bytes | undefined }) {
  const [chosen, setChosen] = useState<Way>();
  if (!of) return <p class="quiet">{label}: none</p>;
  const bytes = bytesOf(of.base64);
  const text = textOf(bytes);
  const json = text === undefined ? undefined : prettyJson(text);
  const shown: Readonly<Record<Way, string | undefined>> = {
    JSON: json,
    Text: text,
    Hex: hexOf(bytes),
  };
  const possible = WAYS.filter((way) => shown[way] !== undefined);
  const way = chosen && possible.includes(chosen) ? chosen : (possible[0] ?? 'Hex');
  return (
    <div>
      <div class="tabs">
        {possible.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === way}
            aria-label={`${label} as ${one}`}
            onClick={() => setChosen(one)}
          >
            {one}
          </button>
        ))}
        <span class="quiet tabs-note">
          {sizeText(of.size)}
          {of.redacted && ', private values are replaced'}
        </span>
      </div>
      <Box label={label} text={shown[way] ?? ''} kind={way === 'Hex' ? 'hex' : ''} />
    </div>
  );
}

/** JSON or other text, as it is read best. */
export const readable = (text: string): string => prettyJson(text) ?? text;
