/** Writes docs/conformance.md. */
import type { Endpoint } from './endpoints.ts';
import type { Frontend } from './frontends.ts';
import type { Result } from './pair.ts';
import { SCENARIOS } from './scenarios.ts';

export interface PairResult {
  readonly frontend: Frontend;
  readonly endpoint: Endpoint;
  readonly tests: readonly Result[];
  /** The time of the run, without installations. */
  readonly ms: number;
  /** What this machine lacks for the pair, which then did not run. */
  readonly missing: string | undefined;
  /** The reason why the pair could not run. */
  readonly error: string | undefined;
}

/** The page with the results of all pairs. */
export function documentOf(results: readonly PairResult[]): string {
  const frontends = [...new Set(results.map(({ frontend }) => frontend))];
  const endpoints = [...new Set(results.map(({ endpoint }) => endpoint))];
  const noted = [...frontends, ...endpoints].filter(({ note }) => note !== undefined);
  const marked = (one: Frontend | Endpoint) =>
    one.note === undefined ? one.name : `${one.name} [${noted.indexOf(one) + 1}]`;
  const rows = frontends.map((frontend) => [
    marked(frontend),
    ...endpoints.map((endpoint) => {
      const found = results.find((one) => one.frontend === frontend && one.endpoint === endpoint);
      return found ? cellOf(found) : '';
    }),
  ]);
  const parts = [...new Set(SCENARIOS.map(({ part }) => part))];
  const seconds = Math.round(results.reduce((sum, { ms }) => sum + ms, 0) / 1000);
  return [
    '# Conformance',
    '',
    '<!-- Written by `npm run test:conformance -- --all`; do not edit. -->',
    '',
    `One suite of ${SCENARIOS.length} tests (test/conformance/scenarios.ts) with each way to run the emulator, at each endpoint that invokes`,
    `the function. \`npm run test:conformance -- --all\` ran it on ${new Date().toISOString().slice(0, 10)} in ${seconds} s with Node ${process.versions.node}, and wrote this page.`,
    '',
    ...tableOf(['', ...endpoints.map(marked)], rows),
    '',
    ...noted.map(({ note }, index) => `${index + 1}. ${note}`),
    '',
    ...tableOf(
      ['part', 'tests'],
      parts.map((part) => [
        part,
        SCENARIOS.filter((one) => one.part === part)
          .map(({ title }) => title)
          .join('; '),
      ]),
    ),
    '',
  ].join('\n');
}

function cellOf({ tests, missing, error }: PairResult): string {
  if (missing !== undefined) return `not run: ${missing}`;
  if (error !== undefined) return `failed: ${error.split('\n')[0]}`;
  const failed = tests.filter((test) => test.error !== undefined);
  if (failed.length === 0) return `${tests.length} of ${tests.length}`;
  const names = failed.map(({ scenario }) => scenario.id).join(', ');
  return `${tests.length - failed.length} of ${tests.length}; failed: ${names}`;
}

/** A table of Markdown, as its lines. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
}
