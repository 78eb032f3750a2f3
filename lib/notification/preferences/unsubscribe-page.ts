import { html, raw } from 'hono/html';
import { pagePolicy } from '../../http/page-policy.ts';
import type { ChannelName } from '../channels/channels.ts';
import { languageFor } from '../templates/languages.ts';

const STYLE =
  ':root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;' +
  'margin:15vh auto 0;padding:1rem}h1{font-size:1.5rem}button{font:inherit;padding:.5rem 1rem}';

/** The page may send its own form and nothing else. */
export const UNSUBSCRIBE_POLICY = pagePolicy(STYLE, 'self');

/** The page of the link: a question with a button that posts to the page's address, or the confirmation. */
export function unsubscribePage(channel: ChannelName, language: string, done: boolean): string {
  const { words } = languageFor(language);
  const { title, question, button, over, critical } = words.unsubscribe[channel];
  const form = html`<form method="post">
<input type="hidden" name="List-Unsubscribe" value="One-Click">
<button>${button}</button>
</form>`;
  return String(html`<!doctype html>
<html lang="${words.tag}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${raw(STYLE)}</style>
<h1>${title}</h1>
<p>${done ? over : question}</p>
<p>${critical}</p>
${done ? '' : form}
</html>
`);
}
