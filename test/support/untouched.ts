/** Dependencies that a refused request must not reach: any use of them is an error. */
export function untouched<T extends object>(): T {
  return new Proxy({} as T, {
    get: (_, name) => {
      throw new Error(`"${String(name)}" was used`);
    },
  });
}
