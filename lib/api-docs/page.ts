import { html, raw } from 'hono/html';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { anchorOf } from '../http/answer.ts';
import type { Operation } from '../http/operation.ts';
import { pagePolicy } from '../http/page-policy.ts';
import { fieldsOf, typeOf } from './fields.ts';
import { type Json, openApiDocument } from './openapi.ts';
import { OPERATIONS } from './operations.ts';
import { problemExample } from './problem.ts';

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--link:light-dark(#0550ae,#79b8ff)}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
a{color:var(--link)}code,pre{font:.875em/1.5 ui-monospace,monospace}
pre{background:var(--soft);padding:.75rem;overflow:auto;border-radius:.375rem}
table{border-collapse:collapse;width:100%;display:block;overflow:auto}
th,td{border-bottom:1px solid var(--line);padding:.25rem .75rem .25rem 0;text-align:left;vertical-align:top}
h2{margin-top:3rem;border-bottom:1px solid var(--line)}h3{margin-top:2rem}
summary{cursor:pointer}.method{font-weight:700}:target{background:#fc06}
`;

const JSON_BODIES = ['application/json', 'application/problem+json'];

/** The page may show itself and its own style, and can load, run and send nothing. */
export const PAGE_POLICY = pagePolicy(STYLE, 'none');

type Document = ReturnType<typeof openApiDocument>;
type Html = ReturnType<typeof html>;
/** The contents of one cell of a table; text is escaped. */
type Cell = Html | string;

/**
 * The documentation as one HTML page, made from the OpenAPI document. It holds no script and loads
 * nothing, so it works without a network and under {@link PAGE_POLICY}.
 */
export function page(document: Document = openApiDocument()): string {
  const { info, components } = document;
  const routes = Object.entries(OPERATIONS);
  const schemas = Object.entries(components.schemas as Record<string, Json>);
  const links = routes.map(
    ([route, { id, summary }]) => html`<li><a href="#${id}">${summary}</a> <code>${route}</code>\n`,
  );
  return String(html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${info.title}</title>
<style>${raw(STYLE)}</style>
<h1>${info.title}</h1>
<p>${prose(info.description)} The same as <a href="/api/openapi.json">OpenAPI ${document.openapi}</a>.</p>
<nav><ul>
${links}<li><a href="#schemas">Schemas</a>
<li><a href="#errors">Errors</a>
</ul></nav>
<h2 id="operations">Operations</h2>
${routes.map(([route, operation]) => operationSection(route, operation, document))}<h2 id="schemas">Schemas</h2>
${schemas.map(schemaSection)}<h2 id="errors">Errors</h2>
${(Object.keys(ERRORS) as ErrorCode[]).map(errorSection)}</html>
`);
}

function operationSection(route: string, operation: Operation, { paths }: Document): Html {
  const [method = '', path = ''] = route.split(' ');
  const described = paths[path]?.[method.toLowerCase()] as Json;
  const parameters = (described.parameters ?? []) as Json[];
  const responses = described.responses as Record<string, Json>;
  return html`<h3 id="${operation.id}"><span class="method">${method}</span> <code>${path}</code> ${operation.summary}</h3>
<p>${prose(operation.description)}</p>
${parameters.length > 0 && table(['Parameter', 'In', 'Type', 'Rules'], parameters.map(parameterRow))}
${operation.input.body && html`<p>Body: ${schemaLink(mediaOf(described.requestBody as Json))}</p>`}
<pre>${curlOf(method, path, operation)}</pre>
${table(['Status', 'Answer', 'Headers', 'Body'], Object.entries(responses).map(responseRow))}
${operation.answer.example !== undefined && details('Example of the answer', operation.answer.example)}
`;
}

function parameterRow(parameter: Json): Cell[] {
  const { name, description = '' } = parameter;
  const [field] = fieldsOf('', parameter.schema as Json, parameter.required === true);
  const rules = [field?.rules, String(description), parameter.required ? 'required' : ''];
  return [code(String(name)), String(parameter.in), field?.type ?? '', rulesCell(rules)];
}

function responseRow([status, response]: [string, Json]): Cell[] {
  const headers = Object.keys((response.headers ?? {}) as Json);
  const listed = headers.map((name, i) => html`${i > 0 && ', '}${code(name)}`);
  const description = prose(String(response.description), (word) =>
    word in ERRORS ? html`<a href="#${anchorOf(word as ErrorCode)}">${code(word)}</a>` : code(word),
  );
  return [status, description, html`${listed}`, schemaLink(mediaOf(response))];
}

function schemaSection([name, schema]: [string, Json]): Html {
  const rows = fieldsOf('', schema, true)
    .filter((field) => field.name !== '')
    .map((field) => [
      code(field.name),
      typeText(field.type),
      field.required ? 'yes' : 'no',
      rulesCell([field.rules, field.description]),
    ]);
  return html`<h3 id="${name}">${name}</h3>
${table(['Field', 'Type', 'Required', 'Rules'], rows)}
`;
}

function errorSection(name: ErrorCode): Html {
  const { title, status, retriable, advice } = ERRORS[name];
  return html`<h3 id="${anchorOf(name)}">${code(name)} ${title}</h3>
<p>${status}. ${prose(advice)} ${retriable && 'The same request may succeed later.'}</p>
${details('Example', problemExample(name))}
`;
}

function rulesCell(rules: (string | undefined)[]): Html {
  return html`${rules.filter(Boolean).map((rule, i) => html`${i > 0 && '; '}${prose(`${rule}`)}`)}`;
}

function curlOf(method: string, path: string, { request }: Operation): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => request.path?.[name] ?? '');
  const query = request.query ? `?${new URLSearchParams(request.query)}` : '';
  const headers = Object.entries(request.headers ?? {}).map(([name, value]) => `${name}: ${value}`);
  if (request.body) headers.push('content-type: application/json');
  return [
    `curl${method === 'GET' ? '' : ` -X ${method}`} 'http://localhost:3001${filled}${query}'`,
    ...headers.map((header) => `-H '${header}'`),
    ...(request.body ? [`-d '${JSON.stringify(request.body)}'`] : []),
  ].join(' \\\n  ');
}

function mediaOf({ content }: Json): Json | undefined {
  const media = content as Record<string, Json> | undefined;
  return JSON_BODIES.map((type) => media?.[type]).find(Boolean)?.schema as Json | undefined;
}

function schemaLink(schema: Json | undefined): Cell {
  const [first] = (schema?.allOf ?? [schema]) as (Json | undefined)[];
  return first?.$ref ? typeText(typeOf(first)) : '';
}

/** A type in words, where `#Name` is a link to that schema. */
function typeText(type: string): Html {
  const link = (name: string) => html`<a href="#${name}">${name}</a>`;
  return html`${type.split(/#(\w+)/).map((part, i) => (i % 2 === 0 ? part : link(part)))}`;
}

function table(head: string[], rows: Cell[][]): Html {
  const body = rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}`)}\n`);
  return html`<table><thead><tr>${head.map((cell) => html`<th>${cell}`)}<tbody>
${body}</table>`;
}

function details(summary: string, example: unknown): Html {
  return html`<details><summary>${summary}</summary><pre>${JSON.stringify(example, null, 2)}</pre></details>`;
}

/** Text in which backticks mark a word, which becomes code. */
function prose(text: string, wordOf: (word: string) => Html = code): Html {
  return html`${text.split(/`([^`]+)`/).map((part, i) => (i % 2 === 0 ? part : wordOf(part)))}`;
}

function code(name: string): Html {
  return html`<code>${name}</code>`;
}
