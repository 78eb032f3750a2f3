/** Protobuf in its JSON mapping, with the schema's own field names. */
import protobuf from 'protobufjs';
import type { Reader, Schema } from './format.ts';
import { readMessagePlace } from './frame.ts';
import { messageToJson } from './protobuf-json.ts';

// AWS: field names are the schema's own, not in camel case.
// https://docs.aws.amazon.com/lambda/latest/dg/services-consume-kafka-events.html
const PARSE = { keepCase: true } as const;
const WELL_KNOWN = /^google\/protobuf\/(.+\.proto)$/;
/** Files that the registry's own serialisers know without a reference. */
const BUILT_IN: Readonly<Record<string, string>> = {
  'confluent/meta.proto': `syntax = "proto3"; package confluent;
    message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }`,
  'confluent/type/decimal.proto': `syntax = "proto3"; package confluent.type;
    message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`,
};

/** The place of a file's first message. */
const FIRST = Buffer.from([0]);

export function createProtobufReader(schema: Schema): Reader {
  const root = rootOf(schema);
  const messages = messagesOf(schema.text);
  const types = new Map<string, protobuf.Type>();
  return (bytes) => {
    const { path, content } = readMessagePlace(bytes);
    const key = path.join('.');
    const type = types.get(key) ?? root.lookupType(nameAt(messages, path));
    types.set(key, type);
    return JSON.stringify(messageToJson(type, type.decode(content)));
  };
}

/** Writes the first message of the file; its fields have the schema's own names. */
export function createProtobufWriter(schema: Schema): (value: unknown) => Buffer {
  const type = rootOf(schema).lookupType(nameAt(messagesOf(schema.text), [0]));
  return (value) => {
    const message = type.fromObject(value as Record<string, unknown>);
    return Buffer.concat([FIRST, type.encode(message).finish()]);
  };
}

function rootOf({ text, references }: Schema): protobuf.Root {
  const root = new protobuf.Root();
  const imports = [text, ...references.map((reference) => reference.text)].flatMap(importsOf);
  for (const file of new Set(imports)) addBuiltIn(root, file);
  for (const reference of references) protobuf.parse(reference.text, root, PARSE);
  protobuf.parse(text, root, PARSE);
  root.resolveAll();
  return root;
}

function importsOf(text: string): string[] {
  const { imports = [], weakImports = [] } = protobuf.parse(text, new protobuf.Root(), PARSE);
  return [...imports, ...weakImports];
}

function addBuiltIn(root: protobuf.Root, file: string): void {
  const builtIn = BUILT_IN[file];
  if (builtIn) protobuf.parse(builtIn, root, PARSE);
  const [, wellKnown] = WELL_KNOWN.exec(file) ?? [];
  const common = wellKnown ? protobuf.common.get(`google/protobuf/${wellKnown}`) : undefined;
  if (common?.nested) root.addJSON(common.nested);
}

interface Named {
  readonly name: string;
  readonly messages: readonly Named[];
}

/** The messages of this file alone, in the file's order. */
function messagesOf(text: string): Named[] {
  const root = new protobuf.Root();
  const { package: name } = protobuf.parse(text, root, PARSE);
  const space = name ? root.lookup(name) : root;
  return space instanceof protobuf.Namespace ? named(space) : [];
}

function named(space: protobuf.Namespace): Named[] {
  return space.nestedArray
    .filter((one) => one instanceof protobuf.Type)
    .map((type) => ({ name: type.fullName, messages: named(type) }));
}

function nameAt(messages: readonly Named[], path: readonly number[]): string {
  const [index = -1, ...rest] = path;
  const found = messages[index];
  if (!found) throw new Error(`its schema has no message at ${path.join('.')}`);
  return rest.length > 0 ? nameAt(found.messages, rest) : found.name;
}
