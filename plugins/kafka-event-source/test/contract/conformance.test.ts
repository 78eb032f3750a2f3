/** Holds the written results and the synthesized template of the conformance suite against the suite itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ENDPOINTS } from '../conformance/endpoints.ts';
import { FRONTENDS } from '../conformance/frontends.ts';
import { PAGE, pageOfGrounds } from '../conformance/grounds.ts';
import { SCENARIOS } from '../conformance/scenarios.ts';
import { FUNCTION, TIMEOUT_SECONDS } from '../conformance/templates.ts';
import { ROOT } from '../support/root.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('conformance.md has each frontend, endpoint and test: else run the suite with --all', () => {
  const page = read('docs/conformance.md');
  const names = [...FRONTENDS, ...ENDPOINTS].map(({ name }) => name);
  const titles = SCENARIOS.map(({ title }) => title);
  expect([...names, ...titles].filter((text) => !page.includes(text))).toEqual([]);
});

test('testing.md has the differences of the grounds: else npm run docs', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(pageOfGrounds());
});

test('the CDK template has the mappings of the suite: else run the suite with --synth', () => {
  const { Resources } = JSON.parse(read('test/conformance/cdk/conformance.template.json'));
  const mappings = Object.values<{ Type: string; Properties: object }>(Resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::EventSourceMapping')
    .map(({ Properties }) => Properties);
  expect(Resources[FUNCTION].Properties.Timeout).toBe(TIMEOUT_SECONDS);
  expect(mappings).toMatchObject(
    SCENARIOS.map(({ id, settings }) => ({
      ...settings,
      Topics: [{ 'Fn::Join': ['', [expect.anything(), `-${id}`]] }],
    })),
  );
});
