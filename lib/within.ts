/**
 * The result of the work if it comes within the time. The work goes on after that, but nobody waits
 * for it any more.
 *
 * @param late makes the error for the end of the time
 * @throws the error of the work, or of `late`
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
