export type ArchiveReason =
  /** No tar, no gzip, cut off, or another content than the image's configuration names. */
  | 'BadArchive'
  | 'UnsupportedLayer'
  /** More entries, bytes or steps than any image needs. */
  | 'ArchiveTooLarge'
  | 'FileTooLarge'
  | 'PathTooLong'
  | 'PathOutsideRoot';

/** Layers that no image of good faith has, or that are past our bounds. Only another image changes it. */
export class ArchiveRefused extends Error {
  override name = 'ArchiveRefused';
  readonly reason: ArchiveReason;
  constructor(reason: ArchiveReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
