#!/usr/bin/env node
/** The command `lambda-kafka-event-source`. */
// First, because the other modules may not load under an older Node.
import './node-check.ts';

const { run } = await import('./run.ts');
const code = await run(process.argv.slice(2));
// Some systems write to a pipe later; kafkajs may keep timers.
process.stdout.write('', () => process.exit(code));
