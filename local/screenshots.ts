import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { until } from '../plugins/kafka-event-source/broker/wait.ts';
import { launchChromium } from '../plugins/kafka-event-source/test/support/chromium.ts';
import { ownOptions } from './options.ts';

const ROOT = join(import.meta.dirname, '..');
const FILE = join(ROOT, 'docs/order-path.png');

const help = `npm run screenshots: writes docs/order-path.png, the picture of the README.

It places an order in the system that "npm start" has started, for a customer with quiet hours, and needs a Chromium.
  HTTP_PORT, EMULATOR_PORT   as for npm start
`;

const ANSWER_MS = 30_000;
const WIDTH = 1_100;

/** The night of this customer never ends, so that one message is sent and the other one waits. */
const CUSTOMER = 'customer-of-the-night';
const PREFERENCES = { quietHours: { from: '00:00', to: '23:59' } };

/**
 * Places an order, and takes the picture of its path.
 *
 * @param api the address of the HTTP API
 * @param page the printed address of the emulator's page, with its token
 */
export async function takeScreenshot(api: string, page: string, file: string): Promise<void> {
  const send = async (method: string, path: string, body: object) => {
    const answer = await fetch(`${api}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (answer.ok) return (await answer.json()) as { data: { id: string } };
    throw new Error(`${method} ${path} is answered ${answer.status}: ${await answer.text()}`);
  };
  // A machine that has just started may answer 503.
  const sent = (method: string, path: string, body: object) =>
    until(`an answer to ${method} ${path}`, ANSWER_MS, () => send(method, path, body));
  await sent('PUT', `/api/customers/${CUSTOMER}/preferences`, PREFERENCES);
  const items = [{ productId: 'book-42', quantity: 2, price: 19.9 }];
  const { data } = await sent('POST', '/api/orders', { customerId: CUSTOMER, items });

  const browser = await launchChromium();
  try {
    const tab = await browser.newPage({ viewport: { width: WIDTH, height: 900 } });
    await tab.goto(page);
    await tab.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
    await tab.goto(`${new URL(page).origin}/#/panels/orders?order=${data.id}`);
    await tab.getByRole('heading', { level: 1, name: `Order ${data.id}` }).waitFor();
    await tab.locator('.step .state', { hasText: 'sent' }).first().waitFor();
    await tab.locator('.step .state', { hasText: 'deferred' }).first().waitFor();
    await tab.frameLocator('.preview iframe').getByText(data.id).first().waitFor();
    await tab.locator('.step .state', { hasText: 'succeeded' }).first().waitFor();
    // A browser paints a frame only where it is in sight.
    const height = await tab.locator(':root').evaluate((root) => root.scrollHeight);
    await tab.setViewportSize({ width: WIDTH, height });
    await tab.locator('.preview iframe').first().screenshot();
    mkdirSync(dirname(file), { recursive: true });
    await tab.screenshot({ path: file });
  } finally {
    await browser.close();
  }
}

/** The address that the start has printed; the emulator keeps its token in the service's folder. */
function pageOf(port: string): string {
  const file = join(ROOT, '.kafka-event-source/local.token');
  try {
    return `http://localhost:${port}/?token=${readFileSync(file, 'utf8').trim()}`;
  } catch {
    throw new Error('There is no token of the emulator yet: start the system by "npm start".');
  }
}

async function main(): Promise<void> {
  ownOptions(help);
  const { HTTP_PORT = '3001', EMULATOR_PORT = '3004' } = process.env;
  await takeScreenshot(`http://localhost:${HTTP_PORT}`, pageOf(EMULATOR_PORT), FILE);
  console.log(`Written: ${relative(ROOT, FILE)}`);
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${help}`);
    process.exitCode = 1;
  });
}
