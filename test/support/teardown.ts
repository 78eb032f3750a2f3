import type {} from './setup.ts'; // Declares the processes that setup.ts started.

// biome-ignore lint/style/noDefaultExport: Jest takes the default export.
export default async function teardown() {
  for (const backend of globalThis.backends ?? []) await backend.stop();
}
