import * as z from 'zod';

/** Members that only a private or a secret key has (RFC 7518, section 6). */
const SECRET = ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth'];

const publicKey = z
  .looseObject({ kty: z.string().min(1) })
  .refine((key) => !SECRET.some((member) => member in key), 'a public key only');

/** A JSON Web Key Set (RFC 7517) of public keys. A set without a key is refused. */
export const keySetSchema = z.object({ keys: z.array(publicKey).min(1) });

export type KeySet = z.infer<typeof keySetSchema>;
