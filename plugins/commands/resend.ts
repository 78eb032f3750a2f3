import { createDeferred, type GivenUp } from '../../lib/notification/ledger/deferred.ts';
import { type ResendReport, resend } from '../../lib/notification/ledger/resend.ts';
import { readOptions } from './resend-options.ts';
import { type Serverless, stageOf, type Utils } from './stage.ts';

/** `sls resend` puts back the notifications that `sendDeferred` has given up. */
export async function run(
  serverless: Serverless,
  options: Record<string, unknown>,
  { writeText }: Utils,
): Promise<void> {
  const { selection, put } = readOptions(options);
  const { config, store } = stageOf(serverless);
  try {
    const report = await resend(
      { deferred: createDeferred(store), clock: store.clock },
      selection,
      {
        put,
        found: (record) => writeText(line(record)),
      },
    );
    writeText(summary(report, put, config.table));
  } finally {
    store.dynamo.destroy();
  }
}

function line({ orderId, type, channel, attempts, reason, at }: GivenUp): string {
  return `${orderId}  ${type}  ${channel}  ${attempts} attempts until ${at}  ${reason}`;
}

function summary({ found, putBack }: ResendReport, put: boolean, table: string): string {
  if (!put)
    return `Dry run: ${found} notifications of table ${table} would be sent again. Add --yes to do it.`;
  const left =
    found > putBack ? ` ${found - putBack} were put back by another command meanwhile.` : '';
  return `Put back ${putBack} notifications of table ${table}: sendDeferred sends them within a minute.${left}`;
}
