/** Node's own SHA-256, in the bundles instead of the one in JavaScript that the signer for MSK brings. */
export { Sha256 } from '@smithy/core/checksum';
