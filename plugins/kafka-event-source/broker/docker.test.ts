import { expect, test } from '@jest/globals';
import { pullProgress } from './docker.ts';

test('the progress of a pull counts the layers that are there, once each', () => {
  expect(pullProgress('4.1.1: Pulling from apache/kafka\n')).toBe('');
  const output =
    'a1: Already exists\nb2: Pulling fs layer\nc3: Pulling fs layer\nb2: Download complete\nb2: Pull complete\n';
  expect(pullProgress(output)).toBe('2 of 3 layers');
});
