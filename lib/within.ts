/**
 * The result of the work if it comes within the time. After that the work goes on, and nobody waits
 * for it any more.
 *
 * @param late makes the error of the time being over
 * @throws what the work or `late` says
 */
export async function within<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(late()), ms);
  try {
    return await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
