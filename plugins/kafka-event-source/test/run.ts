/** Runs Jest in this process: its own command would start a Node without support for ECMAScript modules. */
import { run } from 'jest';

await run();
