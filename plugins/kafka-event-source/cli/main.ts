#!/usr/bin/env node
/** The command `lambda-kafka-event-source`. */
try {
  // First, because the other modules may not load under an older Node.
  await import('../node-version.ts');
  const { run } = await import('./run.ts');
  process.exit(await run(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`Error: ${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
