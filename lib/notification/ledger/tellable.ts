import { orderEventSchema } from '../../order-event.ts';

/** What the keys of a notification's record have room for; DynamoDB has 1,024 and 2,048 bytes. */
const MAX_ID_BYTES = 512;
/** What waits lies in its record as a whole; DynamoDB has 400 KB for that. */
const MAX_EVENT_BYTES = 256 * 1024;

/** An event of an order whose notifications can be put on record: whichever else comes, it never can. */
export const tellableSchema = orderEventSchema.superRefine((event, context) => {
  const { orderId, customerId } = event.data;
  const ids = [
    { path: ['id'], value: event.id },
    { path: ['data', 'orderId'], value: orderId },
    { path: ['data', 'customerId'], value: customerId },
  ];
  for (const { path, value } of ids) {
    if (Buffer.byteLength(value) <= MAX_ID_BYTES) continue;
    context.addIssue({ code: 'custom', path, message: `longer than ${MAX_ID_BYTES} bytes` });
  }
  if (Buffer.byteLength(JSON.stringify(event)) > MAX_EVENT_BYTES) {
    context.addIssue({ code: 'custom', message: `larger than ${MAX_EVENT_BYTES / 1024} KB` });
  }
});
