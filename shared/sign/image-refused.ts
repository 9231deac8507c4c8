export type ImageRefusedReason =
  | 'InvalidSettings'
  | 'InvalidImage'
  | 'NoFilesToSign'
  | 'BadPattern'
  | 'NothingMatches'
  | 'OutsideDirName'
  | 'TooManyFiles'
  | 'UnsupportedImage';

/** An image in which there is not what should be signed, or settings that name none. Only a person can change it. */
export class ImageRefused extends Error {
  override name = 'ImageRefused';
  readonly reason: ImageRefusedReason;
  constructor(reason: ImageRefusedReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
