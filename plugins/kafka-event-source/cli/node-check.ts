/** Ends the command under a Node that is too old: its other modules would fail without naming Node. */
import { complaintOf } from '../node-version.ts';

const complaint = complaintOf(process.versions.node);
if (complaint) {
  process.stderr.write(`Error: ${complaint}\n`);
  process.exit(1);
}
