import { expect, test } from '@jest/globals';
import { javaFault } from './tools.ts';

test.each([
  ['openjdk version "17.0.15" 2025-04-15', ''],
  ['openjdk version "25" 2025-09-16', ''],
  ['java version "1.8.0_402"', 'java is version 1.8.0, 17 is needed'],
  ['openjdk version "11.0.2"', 'java is version 11.0.2, 17 is needed'],
])('%s', (output, fault) => {
  expect(javaFault(output)).toBe(fault);
});
