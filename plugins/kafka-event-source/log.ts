/** The emulator's log; the framework's own log has these methods. */
export interface Log {
  error(message: string): void;
  warning(message: string): void;
  notice(message: string): void;
  debug(message: string): void;
}

/** The log of plugin and command. */
export interface UserLog extends Log {
  /** Printed with --verbose only. */
  info(message: string): void;
}

/** An error's message, for the log or the user; its name if the message is empty. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
