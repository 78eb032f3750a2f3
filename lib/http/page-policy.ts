import { createHash } from 'node:crypto';

/**
 * The `content-security-policy` of a page of ours: it shows itself and this one style, and can load and
 * run nothing.
 *
 * @param forms the targets of its forms: none, or the API itself
 */
export function pagePolicy(style: string, forms: 'none' | 'self'): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    `form-action '${forms}'`,
    "frame-ancestors 'none'",
  ].join('; ');
}
