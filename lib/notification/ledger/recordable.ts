import { orderEventSchema } from '../../order-event.ts';

/** The longest id in the keys of a record; DynamoDB allows keys of 1,024 and 2,048 bytes. */
const MAX_ID_BYTES = 512;
/** The largest event: one that waits lies in its record as a whole, and DynamoDB allows 400 KB. */
const MAX_EVENT_BYTES = 256 * 1024;

/**
 * Refuses events whose ids or size DynamoDB cannot store, so that they go to the dead letters instead of
 * failing for ever.
 */
export const recordableEvent = orderEventSchema.superRefine((event, context) => {
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
