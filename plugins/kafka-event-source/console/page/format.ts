/** Numbers and times as the page writes them. */

const NUMBER = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A whole number with thin groups, such as 1,204. */
export const numberText = (value: number): string => NUMBER.format(value);

/** A number for a figure: 1,204 up to 99,999, then 1.2M. */
export const figureText = (value: number): string =>
  Math.abs(value) < 100_000 ? NUMBER.format(value) : COMPACT.format(value);

/** A count with its noun: "1 record", "2 records". */
export const countText = (count: number, noun: string): string =>
  `${numberText(count)} ${noun}${count === 1 ? '' : 's'}`;

/** A duration: 0.4 ms, 12 ms, 1.5 s, 2 min 5 s, 3 h 4 min, 2 d 1 h. */
export function durationText(ms: number): string {
  if (ms < 1) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return pair(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return pair(hours, 'h', minutes % 60, 'min');
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function pair(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/** How long ago a time was. */
export function agoText(at: number, now: number): string {
  const ms = now - at;
  return ms < 1_000 ? 'just now' : `${durationText(ms)} ago`;
}

/** A time of this machine, with the date where that is not today's: 14:03:12.045. */
export function clockText(at: number, now: number): string {
  const time = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`;
  if (time.toDateString() === new Date(now).toDateString()) return clock;
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock}`;
}

export function sizeText(bytes: number): string {
  if (bytes < 1_000) return countText(bytes, 'byte');
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
