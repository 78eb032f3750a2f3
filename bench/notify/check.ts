import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { NOTIFICATION, orderPartition } from '../../lib/table.ts';
import type { OrderBench } from '../../test/support/orders.ts';

/** Checks that every event is sent once, and the records of an order are settled in its sequence. */
export async function violations(
  { dynamo, table: name }: OrderBench,
  told: Map<string, number>,
  orders: number,
  each: number,
): Promise<string[]> {
  const wrong: string[] = [];
  let next = 0;
  const worker = async () => {
    while (next < orders) {
      const orderId = `order-${next}`;
      next += 1;
      if (told.get(orderId) !== each) wrong.push(`${orderId}: told ${told.get(orderId)} times`);
      const emails = await emailsOf(orderId, dynamo, name);
      if (emails.length !== each || emails.some(({ status }) => status !== 'sent')) {
        wrong.push(`${orderId}: ${emails.map(({ status }) => status).join()}`);
      }
      const times = emails.map(({ at }) => String(at));
      if (times.join() !== times.toSorted().join()) wrong.push(`${orderId}: out of order`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return wrong;
}

/** In the order of their sequence, which is that of their keys. */
async function emailsOf(orderId: string, dynamo: DynamoDBDocumentClient, name: string) {
  const query = new QueryCommand({
    TableName: name,
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
    ExpressionAttributeValues: { ':pk': orderPartition(orderId), ':sk': NOTIFICATION },
  });
  const { Items = [] } = await dynamo.send(query);
  return Items.filter(({ channel }) => channel === 'email');
}
