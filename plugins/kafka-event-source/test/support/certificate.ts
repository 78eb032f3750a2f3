import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS#8. */
  readonly privateKey: string;
}

/** A certificate authority for a test, made without any tool. */
export function createAuthority(name: string) {
  const own = newKeys();
  const root = build({
    subject: name,
    issuer: name,
    keys: own,
    issuerKey: own.privateKey,
    ca: true,
  });
  return {
    certificate: root,
    /** A certificate for localhost, of a server or a client. */
    issue(subject: string): Certificate {
      const keys = newKeys();
      const certificate = build({
        subject,
        issuer: name,
        keys,
        issuerKey: own.privateKey,
        ca: false,
      });
      return { certificate, privateKey: pkcs8(keys.privateKey) };
    },
  };
}

/** The key in PEM, encrypted by a password. */
export function encrypt(privateKey: string, passphrase: string): string {
  const key = createPrivateKey(privateKey);
  const cipher = 'aes-256-cbc';
  return key.export({ type: 'pkcs8', format: 'pem', cipher, passphrase }).toString();
}

interface Content {
  readonly subject: string;
  readonly issuer: string;
  readonly keys: Keys;
  readonly issuerKey: KeyObject;
  readonly ca: boolean;
}

type Keys = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const newKeys = (): Keys => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pkcs8 = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

// X.509 in DER: https://www.rfc-editor.org/rfc/rfc5280#section-4.1
const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  basicConstraints: '551d13',
  subjectAltName: '551d11',
} as const;
const DAY_MS = 86_400_000;

function build({ subject, issuer, keys, issuerKey, ca }: Content): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    nameOf(issuer),
    sequence(time(-DAY_MS), time(10 * DAY_MS)),
    nameOf(subject),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(ca ? constraints() : addresses())),
  );
  const signature = sign('sha256', body, issuerKey);
  const bits = der(0x03, Buffer.concat([Buffer.from([0]), signature]));
  const base64 = sequence(body, algorithm, bits).toString('base64').replace(/.{64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${base64.trimEnd()}\n-----END CERTIFICATE-----\n`;
}

function constraints(): Buffer {
  const yes = der(0x01, Buffer.from([0xff]));
  return sequence(oid(OID.basicConstraints), yes, der(0x04, sequence(yes)));
}

function addresses(): Buffer {
  const names = sequence(
    der(0x82, Buffer.from('localhost')),
    der(0x87, Buffer.from([127, 0, 0, 1])),
  );
  return sequence(oid(OID.subjectAltName), der(0x04, names));
}

function nameOf(commonName: string): Buffer {
  const value = der(0x0c, Buffer.from(commonName));
  return sequence(der(0x31, sequence(oid(OID.commonName), value)));
}

function time(fromNowMs: number): Buffer {
  const iso = new Date(Date.now() + fromNowMs).toISOString();
  return der(0x17, Buffer.from(`${iso.slice(2, 19).replace(/[-:T]/g, '')}Z`));
}

const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const integer = (bytes: Buffer) => der(0x02, bytes);
const sequence = (...parts: Buffer[]) => der(0x30, Buffer.concat(parts));

function der(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, ...sizeOf(content.length)]), content]);
}

function sizeOf(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}
