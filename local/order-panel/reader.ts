/** Reads everything about one order: its items, and the memory of the emulator. It writes nothing. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { orAway } from '../../lib/attempt.ts';
import { type Config, loadConfig } from '../../lib/config.ts';
import { withBeside } from '../../lib/notification/ledger/beside.ts';
import { createCustomers } from '../../lib/notification/preferences/customers.ts';
import { DEFAULTS } from '../../lib/notification/preferences/preferences.ts';
import { isOrderId } from '../../lib/order/order.ts';
import { createRepository } from '../../lib/order/repository.ts';
import { storedOf } from '../../lib/order/stored.ts';
import { openStore, type Store } from '../../lib/store.ts';
import { NOTIFICATION, orderPartition } from '../../lib/table.ts';
import type {
  PanelContext,
  PanelText,
  PanelView,
} from '../../plugins/kafka-event-source/console/panel.ts';
import type {
  InvocationSummary,
  RecorderReader,
  RecordLife,
} from '../../plugins/kafka-event-source/recorder/types.ts';
import { messageOf, type NotificationRecord, readNotification } from './notification.ts';
import { type Failures, invocationIds, type OrderFacts, orderView } from './path.ts';

const FAILURES = 'FAILURES#';
const ORDERS = 20;
const RECORDS = 50;

export type OrderReader = ReturnType<typeof createReader>;

/** Reads by the environment of the functions, which is the panel's settings. */
export function openReader({ settings, region, recorder }: PanelContext) {
  const variables: Record<string, string> = { AWS_REGION: region, ...(settings as object) };
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = variables;
  const own = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined;
  const config: Config = { ...loadConfig(variables), traces: undefined };
  return createReader(openStore(config, own), config.eventsTopic, recorder);
}

function createReader(store: Store, topic: string, recorder: RecorderReader | undefined) {
  const { dynamo, table, clock } = store;
  const repository = createRepository(store);
  const customers = createCustomers(store);

  /** All items of an order; undefined if there is no order of this id. */
  async function items(id: string): Promise<Record<string, unknown>[] | undefined> {
    if (!isOrderId(id)) return undefined;
    const query = new QueryCommand({
      TableName: table,
      KeyConditionExpression: 'pk = :order',
      ExpressionAttributeValues: { ':order': orderPartition(id) },
      ConsistentRead: true,
    });
    const { Items = [] } = await orAway(dynamo.send(query));
    return Items.some(({ sk }) => sk === 'ORDER') ? Items : undefined;
  }

  async function factsOf(id: string): Promise<OrderFacts | undefined> {
    const [found, records] = await Promise.all([items(id), recordsOf(id, topic, recorder)]);
    const item = found?.find(({ sk }) => sk === 'ORDER');
    if (!found || !item) return undefined;
    const stored = storedOf(item);
    const [preferences, invocations] = await Promise.all([
      customers.find(stored.order.customerId),
      invocationsOf(records, recorder),
    ]);
    return {
      table,
      topic,
      stored,
      notifications: found
        .filter(isNotification)
        .flatMap(withBeside)
        .flatMap((one) => readNotification(one) ?? []),
      failures: new Map(found.flatMap(failuresIn)),
      records,
      invocations,
      preferences: preferences ?? DEFAULTS,
      now: clock.now(),
    };
  }

  return {
    async order(id: string): Promise<PanelView> {
      const facts = await factsOf(id);
      return facts ? orderView(facts) : nothing('No order has this id.');
    },

    async customer(id: string): Promise<PanelView> {
      const { orders } = await repository.listByCustomer(id, { limit: ORDERS });
      if (orders.length === 0) return nothing('This customer has no orders.');
      return {
        title: `Orders of ${id}`,
        sections: [
          {
            title: orders.length < ORDERS ? 'Newest first' : `The newest ${ORDERS}`,
            table: {
              columns: ['Order', 'Status', 'Version', 'Total', 'Placed at'],
              rows: orders.map((order) => [
                linkTo(order.id),
                order.status,
                String(order.version),
                `${order.totalAmount.toFixed(2)} ${order.currency}`,
                { at: Date.parse(order.createdAt) },
              ]),
            },
          },
        ],
      };
    },

    /** The orders of the newest records, for a reader who has no id at hand. */
    async newest(): Promise<PanelView> {
      const { items: found = [] } =
        (await recorder?.records({ topic, limit: RECORDS }).catch(() => undefined)) ?? {};
      const newest = new Map(
        found.toReversed().map(({ keyPreview = '', seenAt }) => [keyPreview, seenAt]),
      );
      const rows = [...newest]
        .filter(([id]) => isOrderId(id))
        .slice(-ORDERS)
        .toReversed();
      if (rows.length === 0) return nothing('Give the id of an order or of a customer.');
      return {
        title: 'Orders',
        said: 'The whole path of one order: from its request to each message.',
        sections: [
          {
            title: 'Orders of the newest records',
            table: {
              columns: ['Order', 'Record read at'],
              rows: rows.map(([id, at]) => [linkTo(id), { at }]),
            },
          },
        ],
      };
    },

    /** The HTML of an email; undefined if there is no such notification, or it is no email. */
    async email(id: string, notification: string): Promise<string | undefined> {
      const facts = await factsOf(id);
      const record = facts?.notifications.find(({ sk }) => sk === notification);
      const event = facts?.stored.events.find((one) => one.id === record?.eventId);
      if (!facts || !record || !event) return undefined;
      return htmlOf(record, event.value, facts);
    },
  };
}

function htmlOf(record: NotificationRecord, event: string, { preferences }: OrderFacts) {
  const message = messageOf(record, event, preferences);
  return message && 'html' in message ? message.html : undefined;
}

/** The recorded records of an order, oldest first; undefined if nothing is recorded. */
async function recordsOf(
  id: string,
  topic: string,
  recorder: RecorderReader | undefined,
): Promise<RecordLife[] | undefined> {
  try {
    const page = await recorder?.records({ topic, key: id, limit: RECORDS });
    if (!page) return undefined;
    const lives = await Promise.all(page.items.map((one) => recorder?.record(one)));
    return lives.flatMap((life) => life ?? []).toReversed();
  } catch {
    // Without its memory, the path shows what the table has.
    return undefined;
  }
}

async function invocationsOf(
  records: RecordLife[] | undefined,
  recorder: RecorderReader | undefined,
): Promise<ReadonlyMap<string, InvocationSummary>> {
  // Records of one batch have the same invocation.
  const ids = new Set((records ?? []).flatMap(invocationIds));
  const found = await Promise.all(
    [...ids].map(async (id) => [id, await recorder?.invocation(id)] as const),
  );
  return new Map(found.flatMap(([id, one]) => (one ? [[id, one] as const] : [])));
}

function isNotification({ sk }: Record<string, unknown>): boolean {
  return String(sk).startsWith(NOTIFICATION);
}

function failuresIn(item: Record<string, unknown>): [string, Failures][] {
  const { sk, attempts, firstAt } = item;
  if (!String(sk).startsWith(FAILURES) || typeof attempts !== 'number') return [];
  return [[String(sk).slice(FAILURES.length), { attempts, firstAt: String(firstAt) }]];
}

function nothing(said: string): PanelView {
  return { title: 'Orders', said, sections: [] };
}

function linkTo(order: string): PanelText {
  return { text: order, link: { panel: { order } } };
}
