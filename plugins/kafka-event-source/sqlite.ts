/** Loads node:sqlite without its warning that SQLite is experimental in Node. */
export function loadSqlite(): typeof import('node:sqlite') {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    const found = process.getBuiltinModule('node:sqlite');
    if (!found) throw new Error('this Node has no node:sqlite');
    return found;
  } finally {
    process.emitWarning = emitWarning;
  }
}
