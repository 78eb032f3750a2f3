import { AppError } from '../errors.ts';

/** 1 to 255 printable ASCII characters. */
const IDEMPOTENCY_KEY = /^[ -~]{1,255}$/;

/**
 * The key in `Idempotency-Key`; undefined without the header.
 *
 * @throws AppError `IDEMPOTENCY_KEY_INVALID`
 */
export function idempotencyKeyOf(header: string | undefined): string | undefined {
  if (header === undefined || IDEMPOTENCY_KEY.test(header)) return header;
  throw new AppError(
    'IDEMPOTENCY_KEY_INVALID',
    'The header "idempotency-key" must have 1 to 255 printable ASCII characters.',
  );
}
