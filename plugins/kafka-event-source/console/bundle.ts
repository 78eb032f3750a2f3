/** Bundles the page, whose sources are here only in a checkout. */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import type { BuildOptions, BuildResult } from 'esbuild';

/** Makes page.html, page.js, page.css and page.svg, without a name of a hash. */
export async function bundle(options: BuildOptions): Promise<BuildResult> {
  // Only a checkout has esbuild.
  const { build } = await import('esbuild');
  return build({
    entryPoints: ['page.tsx', 'page.css', 'page.html', 'page.svg'].map((name) =>
      join(import.meta.dirname, 'page', name),
    ),
    loader: { '.html': 'copy', '.svg': 'copy' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    // Its licence goes with each copy.
    banner: { js: `/*! Preact\n${licenceOf('preact')}*/` },
    ...options,
  });
}

/** The text of a package's licence. */
export function licenceOf(name: string): string {
  const manifest = findPackageJSON(name, import.meta.url) ?? '';
  return readFileSync(join(dirname(manifest), 'LICENSE'), 'utf8');
}
