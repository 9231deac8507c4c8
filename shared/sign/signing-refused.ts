/**
 * What was given cannot be signed, or is not what it should be: a key, a certificate, a file. Only a person can change it, so it
 * is never tried again by itself. `reason` is CamelCase and goes into status, event and metric; no message holds key material.
 */
export class SigningRefused extends Error {
  override name = 'SigningRefused';
  readonly reason: RefusedReason;
  constructor(reason: RefusedReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export type RefusedReason =
  | 'NoKey'
  | 'KeyUnreadable'
  | 'PassphraseMissing'
  | 'WrongPassphrase'
  | 'KeyTypeUnsupported'
  | 'KeyTooShort'
  | 'KeyLengthUnsupported'
  | 'NoCertificate'
  | 'CertificateUnreadable'
  | 'CertificateMismatch'
  | 'CertificateNotYetValid'
  | 'CertificateExpired'
  | 'NotElf'
  | 'NotRelocatable'
  | 'NotAModule'
  | 'ModuleTooLarge'
  | 'PackingUnreadable'
  | 'SignatureUnreadable';
