/**
 * Writes out the loops of a template with the transform AWS::LanguageExtensions:
 * `"Fn::ForEach::<name>": [identifier, collection, fragment]`.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
 */
import { isObject, type Json, toScalarText } from '../json.ts';
import { resolve, type Scope } from './intrinsic.ts';

const LOOP = 'Fn::ForEach::';

interface Parts {
  readonly resources: Json;
  readonly conditions: Json;
}

/** The parts of a template with the results of their loops in place. A loop over values that only AWS knows stays. */
export function withoutLoops<T extends Parts>(parts: T, scope: Scope): T {
  const [resources, conditions] = [parts.resources, parts.conditions].map((one) =>
    writeOutLoops(one, scope),
  );
  return { ...parts, resources, conditions };
}

/** The names of the loops that are left, because only AWS knows their values. */
export function loopsIn(value: Json): string[] {
  return Object.keys(value).filter((name) => name.startsWith(LOOP));
}

function writeOutLoops(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((one) => writeOutLoops(one, scope));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).flatMap(([name, one]): [string, unknown][] => {
    const written = name.startsWith(LOOP) ? roundsOf(one, scope) : undefined;
    return written ?? [[name, writeOutLoops(one, scope)]];
  });
  return Object.fromEntries(entries);
}

function roundsOf(loop: unknown, scope: Scope): [string, unknown][] | undefined {
  const [identifier, collection, fragment] = Array.isArray(loop) ? loop : [];
  const items = [resolve(collection, scope)].flat(2).map(toScalarText);
  if (typeof identifier !== 'string' || items.includes(undefined)) return undefined;
  return items.flatMap((item = '') => {
    const round = writeOutLoops(withItem(fragment, identifier, item), scope);
    return isObject(round) ? Object.entries(round) : [];
  });
}

/** Replaces `${identifier}`, `&{identifier}` and a `Ref` to the identifier, in names and in values. */
function withItem(value: unknown, identifier: string, item: string): unknown {
  // AWS: `&{identifier}` is the item without the characters that a logical id may not have.
  const replaced = (text: string) =>
    text
      .replaceAll(`\${${identifier}}`, () => item)
      .replaceAll(`&{${identifier}}`, () => item.replace(/[^A-Za-z0-9]/g, ''));
  if (typeof value === 'string') return replaced(value);
  if (Array.isArray(value)) return value.map((one) => withItem(one, identifier, item));
  if (!isObject(value)) return value;
  if (value.Ref === identifier) return item;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [replaced(name), withItem(one, identifier, item)]),
  );
}
