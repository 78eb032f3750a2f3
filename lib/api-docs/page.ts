import { ERRORS, type ErrorCode } from '../errors.ts';
import { anchorOf } from '../http/answer.ts';
import type { Operation } from '../http/operation.ts';
import { pagePolicy } from '../http/page-policy.ts';
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
type Field = { name: string; type: string; required: boolean; rules: string; description: string };

/**
 * The documentation as one HTML page, made from the OpenAPI document. It holds no script and loads
 * nothing, so it works without a network and under {@link PAGE_POLICY}.
 */
export function page(document: Document = openApiDocument()): string {
  const { info, components } = document;
  const routes = Object.entries(OPERATIONS);
  const schemas = components.schemas as Record<string, Json>;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(info.title)}</title>
<style>${STYLE}</style>
<h1>${escaped(info.title)}</h1>
<p>${text(info.description)} The same as <a href="/api/openapi.json">OpenAPI ${document.openapi}</a>.</p>
<nav><ul>
${routes.map(([route, { id, summary }]) => `<li><a href="#${id}">${escaped(summary)}</a> <code>${escaped(route)}</code>`).join('\n')}
<li><a href="#schemas">Schemas</a>
<li><a href="#errors">Errors</a>
</ul></nav>
<h2 id="operations">Operations</h2>
${routes.map(([route, operation]) => operationSection(route, operation, document)).join('\n')}
<h2 id="schemas">Schemas</h2>
${Object.entries(schemas).map(schemaSection).join('\n')}
<h2 id="errors">Errors</h2>
${(Object.keys(ERRORS) as ErrorCode[]).map(errorSection).join('\n')}
</html>
`;
}

function operationSection(route: string, operation: Operation, { paths }: Document): string {
  const [method = '', path = ''] = route.split(' ');
  const described = paths[path]?.[method.toLowerCase()] as Json;
  const parameters = (described.parameters ?? []) as Json[];
  const responses = described.responses as Record<string, Json>;
  return `<h3 id="${operation.id}"><span class="method">${method}</span> <code>${escaped(path)}</code> ${escaped(operation.summary)}</h3>
<p>${text(operation.description)}</p>
${parameters.length > 0 ? table(['Parameter', 'In', 'Type', 'Rules'], parameters.map(parameterRow)) : ''}
${operation.input.body ? `<p>Body: ${schemaLink(mediaOf(described.requestBody as Json))}</p>` : ''}
<pre>${escaped(curlOf(method, path, operation))}</pre>
${table(['Status', 'Answer', 'Headers', 'Body'], Object.entries(responses).map(responseRow))}
${operation.answer.example === undefined ? '' : details('Example of the answer', operation.answer.example)}`;
}

function parameterRow(parameter: Json): string[] {
  const { name, description = '' } = parameter;
  const [field] = fieldsOf('', parameter.schema as Json, parameter.required === true);
  const rules = [field?.rules, description, parameter.required ? 'required' : ''];
  return [
    code(String(name)),
    escaped(String(parameter.in)),
    escaped(field?.type ?? ''),
    rules
      .filter(Boolean)
      .map((rule) => text(String(rule)))
      .join('; '),
  ];
}

function responseRow([status, response]: [string, Json]): string[] {
  const headers = Object.keys((response.headers ?? {}) as Json).map(code);
  const description = String(response.description).replaceAll(/`([A-Z_]+)`/g, (all, name) =>
    name in ERRORS ? `[${name}]` : all,
  );
  const linked = text(description).replaceAll(
    /\[([A-Z_]+)\]/g,
    (_, name: ErrorCode) => `<a href="#${anchorOf(name)}"><code>${name}</code></a>`,
  );
  return [status, linked, headers.join(', '), schemaLink(mediaOf(response))];
}

function schemaSection([name, schema]: [string, Json]): string {
  const rows = fieldsOf('', schema, true)
    .filter((field) => field.name !== '')
    .map((field) => [
      code(field.name),
      typeText(field.type),
      field.required ? 'yes' : 'no',
      [field.rules, field.description].filter(Boolean).map(text).join('; '),
    ]);
  return `<h3 id="${name}">${escaped(name)}</h3>\n${table(['Field', 'Type', 'Required', 'Rules'], rows)}`;
}

function errorSection(name: ErrorCode): string {
  const { title, status, retriable, advice } = ERRORS[name];
  return `<h3 id="${anchorOf(name)}"><code>${name}</code> ${escaped(title)}</h3>
<p>${status}. ${text(advice)} ${retriable ? 'The same request may succeed later.' : ''}</p>
${details('Example', problemExample(name))}`;
}

/** A schema as rows: the thing itself, then its fields, each with the path that errors name. */
function fieldsOf(name: string, schema: Json, required: boolean): Field[] {
  const items = schema.items as Json | undefined;
  const own = { name, type: typeOf(schema), required, rules: rulesOf(schema) };
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>);
  const needed = (schema.required ?? []) as string[];
  const inner = properties.flatMap(([key, field]) =>
    fieldsOf(name ? `${name}.${key}` : key, field, needed.includes(key)),
  );
  const ofItems = items && !items.$ref ? fieldsOf(`${name}[]`, items, true).slice(1) : [];
  return [{ ...own, description: String(schema.description ?? '') }, ...inner, ...ofItems];
}

function typeOf({ $ref, type, items, anyOf, enum: values, const: value }: Json): string {
  if (typeof $ref === 'string') return `#${$ref.split('/').at(-1)}`;
  if (type === 'array') return `array of ${typeOf((items ?? {}) as Json)}`;
  if (type !== undefined) return String(type);
  if (Array.isArray(anyOf)) return anyOf.map((option) => typeOf(option)).join(' or ');
  return values || value !== undefined ? 'string' : 'any';
}

const RULES: [keyword: string, say: (value: unknown) => string][] = [
  ['const', (value) => `\`${JSON.stringify(value)}\``],
  ['enum', (values) => (values as unknown[]).map((value) => `\`${value}\``).join(' ')],
  ['format', (value) => `${value}`],
  ['pattern', (value) => `\`${value}\``],
  ['minimum', (value) => `at least ${value}`],
  ['maximum', (value) => (value === Number.MAX_SAFE_INTEGER ? '' : `at most ${value}`)],
  ['multipleOf', (value) => `a multiple of ${value}`],
  ['minLength', (value) => `at least ${value} characters`],
  ['maxLength', (value) => `at most ${value} characters`],
  ['minItems', (value) => `at least ${value}`],
  ['maxItems', (value) => `at most ${value}`],
  ['default', (value) => `default \`${value}\``],
];

function rulesOf(schema: Json): string {
  const said = RULES.filter(([keyword]) => keyword in schema);
  return said
    .map(([keyword, say]) => say(schema[keyword]))
    .filter(Boolean)
    .join(', ');
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

function schemaLink(schema: Json | undefined): string {
  const [first] = (schema?.allOf ?? [schema]) as (Json | undefined)[];
  return first?.$ref ? typeText(typeOf(first)) : '';
}

/** A type in words, where `#Name` is a link to that schema. */
function typeText(type: string): string {
  return escaped(type).replaceAll(/#(\w+)/g, '<a href="#$1">$1</a>');
}

function table(head: string[], rows: string[][]): string {
  const cells = (row: string[]) => row.map((cell) => `<td>${cell}`).join('');
  const body = rows.map((row) => `<tr>${cells(row)}`).join('\n');
  return `<table><thead><tr>${head.map((cell) => `<th>${cell}`).join('')}<tbody>\n${body}\n</table>`;
}

function details(summary: string, example: unknown): string {
  return `<details><summary>${summary}</summary><pre>${escaped(JSON.stringify(example, null, 2))}</pre></details>`;
}

/** Prose, in which backticks mark code. */
function text(prose: string): string {
  return escaped(prose).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

function code(name: string): string {
  return `<code>${escaped(name)}</code>`;
}

function escaped(raw: string): string {
  return raw
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
