/** A Lambda endpoint that does nothing, in a process of its own; it reports when records came. */
import http from 'node:http';

/** Finds the values of records: each is a time in base64. */
const TIME = /"value":"([^"]+)"/g;

const server = http.createServer((request, response) => {
  const at = performance.timeOrigin + performance.now();
  const isTimed = request.url?.includes('timed') === true;
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => {
    if (isTimed) chunks.push(chunk);
  });
  request.on('end', () => {
    response.end('null');
    if (!isTimed) return;
    for (const [, value = ''] of Buffer.concat(chunks).toString().matchAll(TIME)) {
      process.send?.(at - Number(Buffer.from(value, 'base64').toString()));
    }
  });
});
server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
process.on('disconnect', () => process.exit());
