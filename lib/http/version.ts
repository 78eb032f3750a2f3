import { AppError } from '../errors.ts';

/** A version as the entity tag that `ETag` shows and `If-Match` takes. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/**
 * The versions that the caller will change: from `If-Match` (RFC 9110, 13.1.1: a list of strong
 * tags, or `*` for any) and from the field of the body.
 *
 * @returns undefined when any version will do; an empty list when no version can match
 * @throws AppError `VERSIONS_DIFFER` when both are given and do not agree
 */
export function wantedVersions(
  ifMatch: string | undefined,
  expectedVersion: number | undefined,
): number[] | undefined {
  const fromField = expectedVersion === undefined ? undefined : [expectedVersion];
  if (ifMatch === undefined || ifMatch.trim() === '*') return fromField;
  const fromHeader = ifMatch.split(',').flatMap((tag) => {
    const [, digits] = /^\s*"(0|[1-9]\d{0,14})"\s*$/.exec(tag) ?? [];
    return digits === undefined ? [] : [Number(digits)];
  });
  if (expectedVersion !== undefined && !fromHeader.includes(expectedVersion)) {
    throw new AppError(
      'VERSIONS_DIFFER',
      `The header "if-match" does not name version ${expectedVersion}, which the body expects.`,
    );
  }
  return fromField ?? fromHeader;
}
