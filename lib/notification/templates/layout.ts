import { html } from 'hono/html';
import type { Language, Template, View } from './language.ts';

type Email = Template['email'];

/** The contents of an email, in the order in which text and HTML show them. */
type Parts = {
  heading: string;
  facts: [label: string, value: string][];
  items: string[];
  closing: string;
};

const COLOURS = { text: '#1f2937', quiet: '#6b7280', line: '#e5e7eb', ground: '#f3f4f6' };

/** The plain text of an email. */
export function textOf(email: Email, order: View, words: Language): string {
  const { heading, facts, items, closing } = partsOf(email, order, words);
  const [first, ...others] = facts.map(([label, value]) => `${label}: ${value}`);
  const lines = [heading, '', first, ...items.map((item) => `  ${item}`), ...others];
  return [...lines, ...(closing ? ['', closing] : [])].join('\n');
}

/** The HTML of an email: inline styles and no address outside, since mail readers take nothing else. */
export function htmlOf(email: Email, order: View, words: Language, tag: string): string {
  const { heading, facts, items, closing } = partsOf(email, order, words);
  const rows = facts.map(
    ([label, value]) => html`
            <tr>
              <td style="padding: 4px 16px 4px 0; color: ${COLOURS.quiet}; vertical-align: top; white-space: nowrap">${label}</td>
              <td style="padding: 4px 0">${value}</td>
            </tr>`,
  );
  const list = html`
          <ul style="margin: 16px 0 0; padding: 16px 0 0 20px; border-top: 1px solid ${COLOURS.line}">${items.map(
            (item) => html`
            <li style="padding: 2px 0">${item}</li>`,
          )}
          </ul>`;
  const page = html`<!doctype html>
<html lang="${tag}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>${email.subject(order)}</title>
  </head>
  <body style="margin: 0; padding: 16px 8px; background: ${COLOURS.ground}">
    <table role="presentation" align="center" style="width: 100%; max-width: 560px; background: #ffffff; border-radius: 8px">
      <tr>
        <td style="padding: 24px; font: 16px/1.5 Helvetica, Arial, sans-serif; color: ${COLOURS.text}; overflow-wrap: anywhere">
          <h1 style="margin: 0 0 16px; font-size: 20px; line-height: 1.3">${heading}</h1>
          <table role="presentation" style="border-collapse: collapse">${rows}
          </table>${items.length > 0 ? list : ''}${
            closing
              ? html`
          <p style="margin: 16px 0 0">${closing}</p>`
              : ''
          }
        </td>
      </tr>
    </table>
  </body>
</html>
`;
  return String(page);
}

function partsOf(email: Email, order: View, { labels }: Language): Parts {
  const items = order.items.map((item) => labels.item(item.quantity, item.productId, item.price));
  const more = order.more === undefined ? [] : [labels.more(order.more)];
  return {
    heading: email.heading(order),
    facts: [
      [labels.order, order.orderId],
      ...(email.shows.includes('total') ? [[labels.total, order.total] as [string, string]] : []),
      [labels.at, order.at],
    ],
    items: email.shows.includes('items') ? [...items, ...more] : [],
    closing: email.closing?.(order) ?? '',
  };
}
