import type {} from './setup.ts'; // What it has started.

// biome-ignore lint/style/noDefaultExport: Jest takes the default export.
export default async function teardown() {
  await globalThis.testBroker?.stop();
}
