/** A time limit for calls that have none of their own. */
export async function within<T>(ms: number, what: string, action: Promise<T>): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  try {
    return await Promise.race([action, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
