/** The arguments of a script: the request for help, and the options that are set. */
export type Options = { help: boolean; set: ReadonlySet<string> };

/** @throws Error for an argument that is none of the known options, with the help */
export function readOptions(args: string[], help: string, known: readonly string[] = []): Options {
  const asksHelp = (argument: string) => ['--help', '-h', 'help'].includes(argument);
  const unknown = args.find((argument) => !known.includes(argument) && !asksHelp(argument));
  if (unknown !== undefined) throw new Error(`Unknown option ${unknown}.\n${help}`);
  return { help: args.some(asksHelp), set: new Set(args) };
}

/** The options of this process; ends it where it was asked for help or called wrongly. */
export function ownOptions(help: string, known: readonly string[] = []): ReadonlySet<string> {
  try {
    const options = readOptions(process.argv.slice(2), help, known);
    if (!options.help) return options.set;
    process.stdout.write(help);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exit(1);
  }
}
