import { expect, test } from '@jest/globals';
import { chooseBackend, type Found } from './choose.ts';

const has = (faults: Partial<Found> = {}) => {
  return async () => ({ java: '', maven: '', docker: '', ...faults });
};

test('auto prefers Java, and takes Docker when Java or Maven is missing', async () => {
  expect(await chooseBackend(undefined, has())).toBe('java');
  expect(await chooseBackend('auto', has({ java: 'java does not answer' }))).toBe('docker');
  expect(await chooseBackend('auto', has({ maven: 'mvn does not answer' }))).toBe('docker');
});

test('with neither, the error says what to install', async () => {
  const nothing = has({ java: 'java is version 11, 17 is needed', docker: 'no engine' });
  await expect(chooseBackend('auto', nothing)).rejects.toThrow(
    /version 11, 17 is needed. Install a JDK 17 .*\n.*Docker: no engine. Install and start/,
  );
});

test('a named backend is not replaced by another', async () => {
  expect(await chooseBackend('docker', has())).toBe('docker');
  await expect(chooseBackend('docker', has({ docker: 'no engine' }))).rejects.toThrow(/no engine/);
  await expect(chooseBackend('java', has({ maven: 'no mvn' }))).rejects.toThrow(/Java: no mvn/);
});

test('none looks for nothing', async () => {
  const never = () => Promise.reject(new Error('looked'));
  expect(await chooseBackend('none', never)).toBe('none');
});

test('a wrong value is refused with those that can be', async () => {
  await expect(chooseBackend('podman')).rejects.toThrow(
    'LOCAL_BACKEND is "podman"; it can be auto, java, docker, none.',
  );
});
