import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

// In a process of its own, since it changes V8's flags.
test("unit tests load modules after a test has changed V8's flags, and keep V8's new data", () => {
  const environment = join(import.meta.dirname, '../support/jest-environment.cjs');
  const script = `
    const v8 = require('node:v8');
    const vm = require('node:vm');
    const given = [];
    vm.SourceTextModule = class extends vm.SourceTextModule {
      constructor(source, options) {
        super(source, options);
        given.push(options.cachedData !== undefined);
      }
    };
    require(${JSON.stringify(environment)});
    const load = () => new vm.SourceTextModule('export const a = 1;', { identifier: 'a.mjs' });
    load();
    load();
    v8.setFlagsFromString('--no-lazy');
    load();
    load();
    console.log(JSON.stringify(given));`;
  const output = execFileSync(process.execPath, ['--experimental-vm-modules', '-e', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  expect(JSON.parse(output)).toEqual([false, true, false, true]);
});
