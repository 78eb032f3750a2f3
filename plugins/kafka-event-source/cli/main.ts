#!/usr/bin/env node
/** The command `lambda-kafka-event-source`. */
import { complaintOf } from '../node-version.ts';

const complaint = complaintOf(process.versions.node);
if (complaint) {
  process.stderr.write(`Error: ${complaint}\n`);
  process.exit(1);
}

// Loaded after the check: under an older Node these modules fail without naming Node.
const { run } = await import('./run.ts');
const code = await run(process.argv.slice(2));
// kafkajs may keep timers, so the process is ended, but only after a pipe has taken the output.
process.stdout.write('', () => process.exit(code));
