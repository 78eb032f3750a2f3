import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { call } from '../../test/support/http.ts';
import type { OrderBench } from '../../test/support/orders.ts';

const ROUNDS = 1_500;
const WARM_UP = 500;
/** Far less than any leak of one object a request would be. */
const FLAT_MEGABYTES = 2;

/** The memory of the functions: the heap after a collection, with all four in this process. */
export async function memoryOf(bench: OrderBench): Promise<void> {
  const handlers = await handlersOn(bench);
  const heaps: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    if (round >= WARM_UP && round % WARM_UP === 0) heaps.push(liveMegabytes());
    const customerId = `m-${round}`;
    const items = [{ productId: 'p', quantity: 1, price: 5 }];
    const { body } = await call(handlers.create, { method: 'POST', body: { customerId, items } });
    const pathParameters = { id: body.data.id };
    await call(handlers.read, { pathParameters });
    await call(handlers.list, { pathParameters: { customerId } });
    await call(handlers.update, {
      method: 'PUT',
      pathParameters,
      body: { status: 'confirmed' },
    });
  }
  const [first = 0, last = 0] = [heaps[0], heaps.at(-1)];
  const isFlat = last - first < FLAT_MEGABYTES;
  console.log(
    `\nheap of the functions after a collection, every ${WARM_UP} rounds of create, read, list, update: ` +
      `${heaps.map((heap) => heap.toFixed(1)).join(', ')} MB: ${isFlat ? 'flat' : 'it grows'}`,
  );
  if (!isFlat) process.exitCode = 1;
}

async function handlersOn(bench: OrderBench) {
  const create = await import('../../functions/createOrder/handler.ts');
  const read = await import('../../functions/getOrder/handler.ts');
  const list = await import('../../functions/listByCustomer/handler.ts');
  const update = await import('../../functions/updateStatus/handler.ts');
  return {
    create: create.createHandler(bench),
    read: read.createHandler(bench),
    list: list.createHandler(bench),
    update: update.createHandler(bench),
  };
}

function liveMegabytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}
