/** Pays each valid record, and reports the others: they are retried once, then sent to the destination. */
export async function pay({ records }) {
  const batchItemFailures = [];
  for (const [partition, list] of Object.entries(records)) {
    for (const { value = '', offset } of list) {
      const amount = Number(Buffer.from(value, 'base64'));
      if (Number.isNaN(amount)) batchItemFailures.push({ itemIdentifier: { partition, offset } });
      else console.log(`paid ${amount}`);
    }
  }
  return { batchItemFailures };
}
