/** Protobuf in its JSON mapping, with the schema's own field names. */
import protobuf from 'protobufjs';
import type { Reader, Schema } from './format.ts';
import { readMessagePlace } from './frame.ts';
import { knownText } from './known-protos.ts';
import { messageToJson } from './protobuf-json.ts';

// AWS: field names are the schema's own, not in camel case.
// https://docs.aws.amazon.com/lambda/latest/dg/services-consume-kafka-events.html
const PARSE = { keepCase: true } as const;
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

/** The types of the schema, of those that it refers to, and of the files that they import. */
function rootOf({ text, references }: Schema): protobuf.Root {
  const root = new protobuf.Root();
  // Some serialisers register the known files, too: a schema may refer to them.
  const texts = new Map(references.map((reference) => [reference.name, reference.text]));
  const added = new Set<string>();
  const addText = (one: string) => {
    for (const file of importsOf(one)) addFile(file);
    protobuf.parse(one, root, PARSE);
  };
  const addFile = (file: string) => {
    if (added.has(file)) return;
    added.add(file);
    const found = texts.get(file) ?? knownText(file);
    if (found !== undefined) return addText(found);
    const { nested } = protobuf.common.get(file) ?? {};
    if (nested) root.addJSON(nested);
  };
  for (const { name } of references) addFile(name);
  addText(text);
  root.resolveAll();
  return root;
}

function importsOf(text: string): string[] {
  const { imports = [], weakImports = [] } = protobuf.parse(text, new protobuf.Root(), PARSE);
  return [...imports, ...weakImports];
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
