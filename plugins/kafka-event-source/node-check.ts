/** Ends the load of the plugin under a Node that is too old: its other modules would fail without naming Node. */
import { complaintOf } from './node-version.ts';

const complaint = complaintOf(process.versions.node);
// The framework prints an error of this name without a stack trace, and exits with code 1.
if (complaint)
  throw Object.assign(new Error(complaint), { name: 'ServerlessError', code: 'OLD_NODE' });
