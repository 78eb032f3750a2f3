/** Reads YAML with CloudFormation's short forms: `!Ref x` is `{ Ref: x }`, `!Sub x` is `{ Fn::Sub: x }`. */
import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument, type Scalar } from 'yaml';
import { booleanOf } from '../template/boolean.ts';

interface Reading {
  readonly document: ReturnType<typeof parseDocument>;
  readonly scalarOf: (scalar: Scalar) => unknown;
}

/**
 * The value of a YAML text. With `isTemplate`, `yes`, `no`, `on` and `off` are booleans.
 *
 * @throws Error with the line and column of the first mistake
 */
export function parseYaml(text: string, { isTemplate = false } = {}): unknown {
  // CloudFormation's tags are unknown to the parser; it keeps each tag and warns of it.
  const document = parseDocument(text, { logLevel: 'error' });
  const [error] = document.errors;
  if (error) throw error;
  const scalarOf = isTemplate ? templateScalarOf : ({ value }: Scalar) => value;
  return read(document.contents, { document, scalarOf });
}

function read(node: unknown, reading: Reading): unknown {
  if (isAlias(node)) return read(node.resolve(reading.document), reading);
  const value = plainOf(node, reading);
  const { tag } = (node ?? {}) as Node & { tag?: string };
  return tag?.startsWith('!') ? { [longName(tag.slice(1))]: value } : value;
}

function plainOf(node: unknown, reading: Reading): unknown {
  if (isScalar(node)) return reading.scalarOf(node);
  if (isSeq(node)) return node.items.map((item) => read(item, reading));
  if (!isMap(node)) return null;
  const entries = node.items.map(({ key, value }): [string, unknown] => {
    return [nameOf(key), read(value, reading)];
  });
  // A map's own keys win over those that it merges, and a merged map wins over those after it.
  const merged = entries.flatMap(([name, value]) => (name === '<<' ? [value].flat() : []));
  const own = entries.filter(([name]) => name !== '<<');
  const inherited = merged.toReversed().flatMap((one) => Object.entries(Object(one)));
  return Object.fromEntries([...inherited, ...own]);
}

/**
 * CloudFormation and SAM read YAML 1.1, in which these words without quotes are booleans.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
 */
function templateScalarOf({ value, type, tag }: Scalar): unknown {
  return type === 'PLAIN' && tag === undefined ? (booleanOf(value) ?? value) : value;
}

/** A key as it is written: the account 012345678901 is no number. */
function nameOf(key: unknown): string {
  if (!isScalar(key)) return String(key);
  return String(typeof key.value === 'number' ? (key.source ?? key.value) : key.value);
}

function longName(tag: string): string {
  return tag === 'Ref' || tag === 'Condition' ? tag : `Fn::${tag}`;
}
