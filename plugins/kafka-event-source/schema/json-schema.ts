/** JSON Schema: the content is JSON already, and is checked against its schema. */
import { createRequire } from 'node:module';
import { Ajv, type Options } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Reader, Schema } from './format.ts';

const OPTIONS: Options = {
  strict: false,
  allErrors: false,
  validateFormats: true,
  // The registry has checked the schema, by rules of its own.
  validateSchema: false,
  logger: false,
  code: { regExp: Object.assign(toRegExp, { code: 'new RegExp' }) },
};
const require = createRequire(import.meta.url);
const utf8 = new TextDecoder('utf-8', { fatal: true });

export function createJsonSchemaReader({ text, references }: Schema): Reader {
  const schema = JSON.parse(text) as object | boolean;
  const ajv = dialect(schema);
  (formats as unknown as (ajv: Ajv) => void)(ajv);
  // Ajv refuses draft-04's `id`, and divides in floating point: 19.99 is a multiple of 0.01.
  ajv.removeKeyword('id').removeKeyword('multipleOf');
  ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    validate: (divisor: number, value: number) => isMultiple(value, divisor),
  });
  for (const { name, text: other } of references)
    addReference(ajv, schema, name, JSON.parse(other));
  const validate = ajv.compile(schema);
  return (content) => {
    const json = utf8.decode(content);
    if (!validate(parsed(json))) throw new Error(ajv.errorsText(validate.errors));
    // The producer's own text, so that no number is rounded.
    return json;
  };
}

/** A name is relative to the `$id` of the schema that is read, as `$ref` is. */
function addReference(ajv: Ajv, schema: object | boolean, name: string, other: object): void {
  const { $id: base } = typeof schema === 'object' ? (schema as { $id?: string }) : {};
  const names = base === undefined ? [name] : [name, ajv.opts.uriResolver.resolve(base, name)];
  for (const one of new Set(names)) if (!ajv.getSchema(one)) ajv.addSchema(other, one);
}

/** Checks values as the reader does. */
export function createJsonSchemaWriter(schema: Schema): (value: unknown) => Buffer {
  const check = createJsonSchemaReader(schema);
  return (value) => {
    const content = Buffer.from(JSON.stringify(value));
    check(content);
    return content;
  };
}

/** A pattern of another language, such as Java's, that is none here matches each text. */
function toRegExp(pattern: string, flags: string): RegExp {
  // With the flag u an escape that is not needed, such as \@, is an error.
  for (const one of [flags, '']) {
    try {
      return new RegExp(pattern, one);
    } catch {
      // Without the flag it may be one.
    }
  }
  return /(?:)/;
}

function isMultiple(value: number, divisor: number): boolean {
  const [one, other] = [decimal(value), decimal(divisor)];
  const exponent = Math.min(one.exponent, other.exponent);
  const [whole, part] = [one, other].map(
    (number) => number.digits * 10n ** BigInt(number.exponent - exponent),
  ) as [bigint, bigint];
  return part !== 0n && whole % part === 0n;
}

/** The number as its digits and a power of ten. */
function decimal(number: number): { readonly digits: bigint; readonly exponent: number } {
  const [mantissa = '', power = '0'] = String(number).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return { digits: BigInt(whole + fraction), exponent: Number(power) - fraction.length };
}

/** Hides the parser's own message, which quotes the text. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new Error('it is not JSON');
  }
}

function dialect(schema: object | boolean): Ajv {
  const { $schema = '' } = typeof schema === 'object' ? (schema as { $schema?: string }) : {};
  if ($schema.includes('2020-12')) return new Ajv2020(OPTIONS);
  if ($schema.includes('2019-09')) return new Ajv2019(OPTIONS);
  if ($schema.includes('draft-04')) throw new Error('JSON Schema draft-04 is not supported here');
  const ajv = new Ajv(OPTIONS);
  if ($schema.includes('draft-06')) {
    ajv.addMetaSchema(require('ajv/dist/refs/json-schema-draft-06.json'));
  }
  return ajv;
}
