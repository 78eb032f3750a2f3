/** Prints what it receives, one line an invocation; throws for the value "boom", the first time. */
let thrown = false;

export async function print({ records }) {
  const values = Object.values(records)
    .flat()
    .map(({ value }) => Buffer.from(value, 'base64').toString());
  console.log(`received ${values.join(',')}`);
  if (values.includes('boom') && !thrown) {
    thrown = true;
    throw new Error('boom');
  }
}
