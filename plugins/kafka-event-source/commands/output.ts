/** The file of the option --output. */
import { dirname, resolve } from 'node:path';

/** The reasons why a file cannot be written, with what to do. */
const REASONS: Readonly<Record<string, (folder: string) => string>> = {
  ENOENT: (folder) => `there is no folder ${folder}. Make it, or name another file by --output.`,
  ENOTDIR: (folder) => `${folder} is no folder. Name another file by --output.`,
  EISDIR: () => 'it is a folder. Name a file in it by --output.',
  EACCES: (folder) =>
    `this user has no right to write it. Name another file by --output, or allow writing in ${folder}.`,
  EROFS: (folder) => `nothing can be written in ${folder}. Name another file by --output.`,
  ENOSPC: () => 'the disk is full. Make room, or name a file on another disk by --output.',
};

/** Does work that writes the file. @throws Error that says why it cannot be written, and what to do */
export async function writing<T>(file: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ''];
    if (!reason) throw error;
    const why = reason(dirname(resolve(file)));
    throw new Error(`${file} cannot be written: ${why}`, { cause: error });
  }
}
