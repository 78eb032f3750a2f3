import { freePort, isFree } from '../plugins/kafka-event-source/broker/ports.ts';
import type { Settings } from './settings.ts';

/**
 * The variables for the emulator's port, and for the address to which the functions send their traces: the
 * emulator's, unless one is set. The port is chosen here if the wanted one is taken, since the functions
 * would otherwise send their traces to the process that has it.
 */
export async function emulatorIn(
  { EMULATOR_PORT: wanted, OTEL_EXPORTER_OTLP_ENDPOINT: collector }: Settings,
  say: (line: string) => void,
) {
  const port = wanted > 0 && (await isFree(wanted)) ? wanted : await freePort();
  if (wanted > 0 && port !== wanted) {
    say(`port ${wanted} is taken, so the emulator's page takes ${port} (EMULATOR_PORT)`);
  }
  return {
    EMULATOR_PORT: String(port),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector ?? `http://127.0.0.1:${port}`,
  };
}
