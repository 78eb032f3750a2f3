#!/usr/bin/env node
/** The command `lambda-kafka-event-source`. */
// First, because the other modules may not load under an older Node.
import './node-check.ts';

const { run } = await import('./run.ts');
process.exit(await run(process.argv.slice(2)));
