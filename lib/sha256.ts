/** Stands in, in the bundles, for the SHA-256 in JavaScript that the signer for MSK brings: this is Node's. */
export { Sha256 } from '@smithy/core/checksum';
