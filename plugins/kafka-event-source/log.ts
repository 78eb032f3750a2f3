/** The emulator's log; the framework's own log has these methods. */
export interface Log {
  error(message: string): void;
  warning(message: string): void;
  notice(message: string): void;
  debug(message: string): void;
}
