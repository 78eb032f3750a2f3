import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { html } from 'hono/html';
import { CHANNELS, type Message } from '../lib/notification/channels/channels.ts';
import type { Locale } from '../lib/notification/templates/language.ts';
import type { LANGUAGES } from '../lib/notification/templates/languages.ts';
import { EVENT_OF } from '../lib/order/status.ts';
import {
  EVENT_TYPES,
  type EventType,
  ORDER_STATUSES,
  type OrderEvent,
} from '../lib/order-event.ts';
import { ownOptions } from './options.ts';

const ROOT = join(import.meta.dirname, '..');
export const PAGE = join(ROOT, '.local/preview/index.html');
export const GOLDEN = join(ROOT, 'test/golden');

const help = `npm run preview: writes every message there is to .local/preview/index.html.

  npm run preview -- --golden   test/golden, too, which every test run compares
`;

/** The reader of each language, with a currency and a zone. */
const READERS: Record<keyof typeof LANGUAGES, Locale & { currency: string }> = {
  en: { language: 'en-US', timeZone: 'America/New_York', currency: 'USD' },
  de: { language: 'de-DE', timeZone: 'Europe/Berlin', currency: 'EUR' },
};

export type Preview = { language: string; type: EventType; message: Message };

/** Every message there is: each language, event type and channel once, about the same order. */
export function previews(): Preview[] {
  return Object.entries(READERS).flatMap(([language, { currency, ...locale }]) =>
    EVENT_TYPES.flatMap((type) =>
      Object.values(CHANNELS).map(({ compose, example }) => ({
        language,
        type,
        message: compose({ event: sample(type, currency), to: example, locale }),
      })),
    ),
  );
}

/** The messages as files by their names: the text of each channel, and the HTML of an email. */
export function goldenFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const { language, type, message } of previews()) {
    const name = `${language}/${type}.${message.channel}`;
    if ('html' in message) {
      files.set(`${name}.txt`, `Subject: ${message.subject}\n\n${message.body}\n`);
      files.set(`${name}.html`, message.html);
    } else files.set(`${name}.txt`, `${message.text}\n`);
  }
  return files;
}

/** One page with all of them, which loads nothing. */
export function previewPage(): string {
  const sections = Object.entries(READERS).map(([language, reader]) => {
    const own = previews().filter((preview) => preview.language === language);
    const { timeZone, currency } = reader;
    const cards = EVENT_TYPES.map((type) => {
      const messages = own.filter((preview) => preview.type === type);
      return card(
        type,
        messages.map(({ message }) => message),
      );
    });
    return html`
    <h2 id="${language}">${reader.language}, ${timeZone}, ${currency}</h2>
    ${cards}`;
  });
  return String(html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
    <title>Messages</title>
    <style>
      body { margin: 24px auto; padding: 0 16px; max-width: 1280px; font: 15px/1.5 system-ui, sans-serif; color: #1f2937 }
      article { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 360px), 1fr)); gap: 16px; align-items: start; margin: 0 0 32px }
      h3 { grid-column: 1 / -1; margin: 0; border-top: 1px solid #d1d5db; padding-top: 16px }
      figure { margin: 0; min-width: 0 }
      figcaption { color: #6b7280; font-size: 13px; margin-bottom: 4px; overflow-wrap: anywhere }
      iframe { box-sizing: border-box; width: 100%; height: 560px; border: 1px solid #d1d5db; border-radius: 8px }
      pre { margin: 0; padding: 16px; background: #f3f4f6; border-radius: 8px; white-space: pre-wrap; overflow-wrap: anywhere }
      .short { background: #dcfce7; border-radius: 16px }
    </style>
  </head>
  <body>
    <h1>Messages</h1>${sections}
  </body>
</html>
`);
}

function card(type: EventType, messages: Message[]) {
  return html`<article><h3>${type}</h3>${messages.map((message) =>
    'html' in message
      ? html`
      <figure><figcaption>Email to ${message.to}: ${message.subject}</figcaption>
        <iframe sandbox title="${message.subject}" srcdoc="${message.html}"></iframe></figure>
      <figure><figcaption>Its plain text</figcaption><pre>${message.body}</pre></figure>`
      : html`
      <figure><figcaption>${message.channel.toUpperCase()} to ${message.to}</figcaption>
        <pre class="short">${message.text}</pre></figure>`,
  )}
    </article>`;
}

function sample(type: EventType, currency: string): OrderEvent {
  return {
    id: '0192f0c1-2346-7abc-8def-0123456789ab',
    type,
    timestamp: '2026-11-23T18:30:00.000Z',
    sequence: 1,
    schemaVersion: 1,
    data: {
      orderId: '0192f0c1-2345-7abc-8def-0123456789ab',
      customerId: 'ada',
      totalAmount: 1_284.5,
      currency,
      status: ORDER_STATUSES.find((status) => EVENT_OF[status] === type) ?? 'pending',
      items: [
        { productId: 'keyboard', quantity: 3, price: 411.5 },
        { productId: 'cable-2m', quantity: 1_000, price: 0.05 },
        { productId: 'gift:"<wrap>"&co', quantity: 1, price: 0 },
      ],
    },
  };
}

async function main(): Promise<void> {
  const options = ownOptions(help, ['--golden']);
  await mkdir(join(PAGE, '..'), { recursive: true });
  await writeFile(PAGE, previewPage());
  console.log(`${previews().length} messages: ${pathToFileURL(PAGE)}`);
  if (!options.has('--golden')) return;
  for (const [name, text] of goldenFiles()) {
    await mkdir(join(GOLDEN, name, '..'), { recursive: true });
    await writeFile(join(GOLDEN, name), text);
  }
  console.log('test/golden is written anew. Read its diff.');
}

if (import.meta.main) await main();
