/** Greets every record of the topic. */
export async function greet({ records }) {
  for (const { value = '' } of Object.values(records).flat()) {
    console.log(`Hello, ${Buffer.from(value, 'base64')}!`);
  }
}
