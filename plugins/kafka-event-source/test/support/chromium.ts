/** Finds and starts the Chromium of this machine, for tests that need a real browser. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The path of Chromium or Chrome: CHROMIUM, or the first one on the PATH; undefined if there is none. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const files = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [process.env.CHROMIUM ?? '', ...files].find(isProgram);
}

/** Starts Chromium. @throws Error that says how to install it */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath) {
    return chromium.launch({ executablePath, args: ['--no-sandbox'], timeout: 30_000 });
  }
  throw new Error(
    'Chromium is needed, and none is here. Install it ("apt-get install chromium", ' +
      '"brew install --cask chromium"), or set CHROMIUM to the path of a Chrome or Chromium.',
  );
}

function isProgram(file: string): boolean {
  if (file === '') return false;
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
