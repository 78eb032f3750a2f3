import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Runtime } from './runtime.ts';
import { findStatus, type Place, startServer, statusRoute } from './server.ts';

const noMappings = () => new Runtime([], () => Promise.reject() as never);
const newPlace = (): Place => ({ folder: randomUUID(), stage: 'local' });
/** The file with the server's address. */
const addressOf = (url: string) =>
  readdirSync(tmpdir())
    .filter((name) => name.startsWith('kafka-event-source-'))
    .map((name) => join(tmpdir(), name))
    .find(
      (file) => existsSync(file) && readFileSync(file, 'utf8').includes(`:${new URL(url).port}"`),
    ) ?? '';
const start = (place: Place, port = 0) =>
  startServer(port, place, [statusRoute(noMappings(), place)]);

test('a service that runs answers for itself, and not after its end', async () => {
  const place = newPlace();
  const server = await start(place);
  expect(await findStatus(place)).toMatchObject({ mappings: [] });
  expect(await findStatus({ ...place, stage: 'prod' })).toBeUndefined();
  await server.close();
  expect(await findStatus(place)).toBeUndefined();
});

test('a service is found by another name of its folder, as terminals of Windows and macOS have it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kes-server-'));
  const [own, other] = [join(folder, 'own'), join(folder, 'other')];
  mkdirSync(own);
  symlinkSync(own, other);
  const server = await start({ folder: own, stage: 'local' });
  const found = await findStatus({ folder: other, stage: 'local' });
  await server.close();
  rmSync(folder, { recursive: true });
  expect(found).toMatchObject({ mappings: [] });
});

test.each(['first', 'second'])(
  'of two starts in one folder the %s ends: the other one still answers',
  async (ended) => {
    const place = newPlace();
    const servers = { first: await start(place), second: await start(place) };
    await servers[ended as 'first'].close();
    expect(await findStatus(place)).toMatchObject({ mappings: [] });
    await servers[ended === 'first' ? 'second' : 'first'].close();
    expect(await findStatus(place)).toBeUndefined();
  },
);

test('the port of a killed process is another service: that one is not shown', async () => {
  const [killed, other] = [newPlace(), newPlace()];
  const gone = await start(killed);
  const port = Number(new URL(gone.url).port);
  const file = addressOf(gone.url);
  const left = readFileSync(file);
  await gone.close();
  writeFileSync(file, left);
  const server = await start(other, port);
  const found = [await findStatus(killed), await findStatus(other)];
  await server.close();
  expect(new URL(server.url).port).toBe(String(port));
  expect(found).toEqual([undefined, expect.objectContaining({ mappings: [] })]);
});
