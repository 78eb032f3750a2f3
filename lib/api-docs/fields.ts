import type { Json } from './openapi.ts';

/** One field of a schema as the page shows it. A type `#Name` stands for the schema of that name. */
export type Field = {
  name: string;
  type: string;
  required: boolean;
  rules: string;
  description: string;
};

/** A schema as rows: the schema itself, then its fields, each with the path that errors name. */
export function fieldsOf(name: string, schema: Json, required: boolean): Field[] {
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

/** The type of a schema in words. */
export function typeOf({ $ref, type, items, anyOf, enum: values, const: value }: Json): string {
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
