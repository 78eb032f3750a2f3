/** Prints the received values, a line for each invocation; throws at the first value "boom". */
let thrown = false;

export async function print({ records }) {
  const values = Object.values(records)
    .flat()
    .map(({ value }) => Buffer.from(value, 'base64').toString());
  console.log(`received ${values.join(',')}`);
  if (values.includes('boom') && !thrown) {
    thrown = true;
    throw new Error('boom');
  }
}

/** Prints the received values; the first time, each of these values ends the instance in its own way. */
export async function crash({ records }, { awsRequestId }) {
  const { existsSync, writeFileSync } = await import('node:fs');
  const values = Object.values(records)
    .flat()
    .map(({ value }) => Buffer.from(value, 'base64').toString());
  console.log(`received ${values.join(',')}`);
  for (const value of values) {
    const marker = `crashed-${value}`;
    if (existsSync(marker) || !/^(exit|kill|throw|later)$/.test(value)) continue;
    writeFileSync(marker, awsRequestId);
    if (value === 'exit') process.exit(3);
    if (value === 'kill') process.kill(process.pid);
    const raise = () => {
      throw new Error('out of reach');
    };
    setTimeout(raise, 0);
    if (value === 'throw') await new Promise(() => undefined);
  }
}

const refuse = () => {
  throw 1;
};
const ends = {
  text: () => Promise.reject('a text'),
  object: () => Promise.reject({ code: 5 }),
  nothing: () => Promise.reject(),
  callback: (_, done) => done('by callback'),
  cause: () => Promise.reject(new Error('outer', { cause: { call: () => 1 } })),
  unreadable: () => Promise.reject(new Proxy({}, { get: refuse })),
  wordless: () => Promise.reject(Object.defineProperty(new Error(), 'message', { get: refuse })),
  bigint: async () => ({ count: 1n }),
  circle: async (event) => Object.assign(event, { event }),
  function: async () => ({ close: () => 1 }),
  response: async () => new Response('body'),
  symbol: async () => Symbol('s'),
};
const ended = new Set();

/** Prints each call; the first time, ends in the way that the first record names. */
export function end({ records, ...event }, _context, done) {
  const [[{ value }]] = Object.values(records);
  const way = Buffer.from(value, 'base64').toString();
  console.log(`called ${way}`);
  const isFirst = !ended.has(way);
  ended.add(way);
  return isFirst && ends[way] ? ends[way](event, done) : Promise.resolve();
}

const values = {
  text: 'a text',
  zero: 0,
  empty: '',
  null: null,
  undefined,
  failed: { batchItemFailures: [{ itemIdentifier: 'all' }] },
};

/** Prints each call, and returns the value that the first record names; undefined the second time. */
export function sync({ records }, { functionName, done }) {
  const [[{ value }]] = Object.values(records);
  const way = Buffer.from(value, 'base64').toString();
  const call = `${functionName.split('-').at(-1)} ${way}`;
  console.log(`${call} ${typeof done}`);
  // With useInProcess functions share the module.
  const isFirst = !ended.has(call);
  ended.add(call);
  return isFirst ? values[way] : undefined;
}

/** Is refused by Node 24 of AWS. */
export const callback = (_event, _context, done) => done(null, console.log('callback was called'));
