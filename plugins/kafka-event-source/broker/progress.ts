import { existsSync, readFileSync } from 'node:fs';

export type Progress = {
  /** The file into which the work writes its output. */
  log: string;
  /** The news in the output; empty if there are none yet. */
  read(output: string): string;
  say(news: string): void;
};

/** Tells each second what is new, until the work is done. */
export async function reporting<T>({ log, read, say }: Progress, work: Promise<T>): Promise<T> {
  let said = '';
  const timer = setInterval(() => {
    const news = read(existsSync(log) ? readFileSync(log, 'utf8') : '');
    if (news !== said) say(news);
    said = news;
  }, 1000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
