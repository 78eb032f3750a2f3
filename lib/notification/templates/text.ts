import { AppError } from '../../errors.ts';

const MAX_LENGTH = 128;
const MAX_FORMATS = 100;

const moneyFormat = remembered(
  (language, currency) => new Intl.NumberFormat(language, { style: 'currency', currency }),
);
const countFormat = remembered((language) => new Intl.NumberFormat(language));
const timeFormat = remembered(
  (language, timeZone) =>
    new Intl.DateTimeFormat(language, {
      timeZone,
      year: 'numeric',
      month: 'long',
      day: 'numeric',
      hour: 'numeric',
      minute: '2-digit',
      timeZoneName: 'short',
    }),
);

/**
 * A text whose values cannot do harm: line ends that would start a header, terminal codes and
 * characters that turn the reading direction become spaces, and a long value is cut.
 */
export function text(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return parts
    .map((part, i) => part + (i < values.length ? plain(String(values[i])) : ''))
    .join('');
}

/** An amount as its reader writes it: `$29.97`, `29,97 €`. */
export function money(amount: number, currency: string, language: string): string {
  if (!/^[A-Z]{3}$/.test(currency)) {
    throw new AppError(
      'RECORD_INVALID',
      'Its currency is not a code of ISO 4217; write three capital letters.',
    );
  }
  return plain(moneyFormat(language, currency).format(amount));
}

/** A count as its reader writes it: `1,000`. */
export function wholeNumber(count: number, language: string): string {
  return plain(countFormat(language).format(count));
}

/** A time as its reader writes it, with the zone: `November 20, 2026 at 11:00 AM GMT+1`. */
export function dateTime(timestamp: string, language: string, timeZone: string): string {
  return plain(timeFormat(language, timeZone).format(new Date(timestamp)));
}

function plain(value: string): string {
  // Also the no-break spaces of Intl: one of them makes an SMS twice as long.
  const clean = value.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim();
  const characters = [...clean];
  return characters.length > MAX_LENGTH
    ? `${characters.slice(0, MAX_LENGTH - 1).join('')}…`
    : clean;
}

/** A format takes longer to make than a whole message; the last ones used are enough. */
function remembered<T>(make: (...names: [string, ...string[]]) => T) {
  const known = new Map<string, T>();
  return (...names: [string, ...string[]]): T => {
    const key = names.join();
    const format = known.get(key) ?? make(...names);
    if (known.size >= MAX_FORMATS) known.clear();
    known.set(key, format);
    return format;
  };
}
