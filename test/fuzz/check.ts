import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Attack, Parties } from './attack.ts';
import type { Customer } from './customers.ts';
import { type Answer, decoded, type Sent } from './send.ts';

/** Finds forbidden answers. It knows no rules, only the sender and the owner of the data. */
export function faultsOf(
  { sent, isBad }: Attack,
  answer: Answer,
  { own, other }: Parties,
): string[] {
  const faults: string[] = [];
  const shown = `${JSON.stringify(answer.headers)}\n${answer.text}`;
  const asked = `${JSON.stringify(sent)}\n${decoded(decoded(sent.path))}`.toLowerCase();
  for (const mark of other.marks) if (shown.includes(mark)) faults.push(`shows the mark ${mark}`);
  for (const text of [...other.orders, ...other.events, ...other.cursors, ...other.links]) {
    if (shown.includes(text) && !asked.includes(text.toLowerCase())) faults.push(`shows ${text}`);
  }
  if (answer.status >= 500 && !isAway(answer))
    faults.push(`answers ${answer.status}: ${answer.text}`);
  const body = jsonOf(answer);
  for (const owner of ownersIn(body)) {
    if (owner !== own.id) faults.push(`holds data of the customer ${owner}`);
  }
  if (isBad && answer.status < 400 && !isOpen(sent)) faults.push('takes a bad token');
  if (typeof body === 'object' && body !== null && 'dependencies' in body) {
    faults.push('shows the details of health');
  }
  return faults;
}

/** The faults of an answer to the other customer's own request, such as a mix of two requests. */
export function faultsOfOwn(
  answer: Answer,
  { own, other }: Pick<Parties, 'own' | 'other'>,
): string[] {
  if (isAway(answer)) return [];
  const faults: string[] = [];
  if (answer.status >= 300) faults.push(`its owner is answered ${answer.status}: ${answer.text}`);
  if (!ownersIn(jsonOf(answer)).every((id) => id === other.id)) faults.push('holds data of others');
  for (const mark of own.marks)
    if (answer.text.includes(mark)) faults.push(`shows the mark ${mark}`);
  return faults;
}

/** The difference between two answers that must be the same; undefined if there is none. */
export function differenceOf(
  [one, twin]: readonly [Answer, Answer],
  [order, other]: readonly [string, string],
): string | undefined {
  if (isAway(one) || isAway(twin)) return undefined;
  const [first, second] = [plain(one, order), plain(twin, other)];
  return first === second ? undefined : `is told apart from an unknown order:\n${first}\n${second}`;
}

/** A machine under load may be too slow for the limits of a dependency; the answer asks to repeat. */
function isAway({ status }: Answer): boolean {
  return status === 503;
}

function plain({ status, headers, text, calls }: Answer, id: string): string {
  const { date: _, 'content-length': __, ...rest } = headers;
  return JSON.stringify({ status, rest, text, calls })
    .replaceAll(id, '<id>')
    .replaceAll(encodeURIComponent(encodeURIComponent(id)), '<id>')
    .replaceAll(/urn:uuid:[\w-]+/g, '<instance>');
}

function isOpen({ method, path }: Sent): boolean {
  const { pathname } = new URL(`http://localhost${path}`); // without its "." and ".."
  return method === 'OPTIONS' || /^\/api\/(unsubscribe|health|docs|openapi\.json)/.test(pathname);
}

function jsonOf({ text }: Answer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ownersIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null || 'openapi' in value) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'customerId' ? [String(inner)] : ownersIn(inner),
  );
}

type Items = Map<string, string>;

/** Every item of the table by its key, as its text. */
export async function itemsOf(dynamo: DynamoDBDocumentClient, table: string): Promise<Items> {
  const items: Items = new Map();
  let start: Record<string, import('@aws-sdk/client-dynamodb').AttributeValue> | undefined;
  do {
    const page = await dynamo.send(
      new ScanCommand({ TableName: table, ConsistentRead: true, ExclusiveStartKey: start }),
    );
    for (const item of page.Items ?? []) {
      items.set(`${item.pk?.S} ${item.sk?.S}`, JSON.stringify(sorted(item)));
    }
    start = page.LastEvaluatedKey;
  } while (start);
  return items;
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** The other customer's items that have changed, and new ones. */
export function changesOf(before: Items, after: Items, other: Customer): string[] {
  const changed = [...before].flatMap(([key, item]) =>
    after.get(key) === item ? [] : [`${key} was ${item} and is ${after.get(key)}`],
  );
  const theirs = [{ S: other.id }, { S: `CUSTOMER#${other.id}` }].map((one) => JSON.stringify(one));
  const added = [...after].flatMap(([key, item]) => {
    if (before.has(key)) return [];
    const isTheirs = ['customerId', 'customerKey', 'recipientKey', 'pk'].some((name) =>
      theirs.some((value) => item.includes(`"${name}":${value}`)),
    );
    const isMarked = other.marks.some((mark) => item.includes(mark));
    const isOfTheirOrder = other.orders.some((id) => key.startsWith(`ORDER#${id}`));
    return isTheirs || isMarked || isOfTheirOrder ? [`${key} is new: ${item}`] : [];
  });
  return [...changed, ...added];
}
