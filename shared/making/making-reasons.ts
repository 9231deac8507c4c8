/** Why an image is not there yet: reasons of `status.images`, of events, and labels of metrics (one word everywhere). */
export const makingReasons = {
  building: 'ImageBuilding',
  signing: 'ImageSigning',
  queued: 'BuildQueued',
  buildFailed: 'BuildFailed',
  signFailed: 'SignFailed',
  notPushed: 'ImageNotPushed',
  /** The signer's own word (`shared/sign/result.ts`). */
  unsignedMissing: 'ImageMissing',
  mismatch: 'DigestMismatch',
  dockerfileMissing: 'DockerfileMissing',
  toolkitUnknown: 'ToolkitUnknown',
  secretRefused: 'SecretRefused',
  recipeInvalid: 'RecipeInvalid',
  foreignJob: 'ForeignJob',
  notConfigured: 'BuildsNotConfigured',
} as const;
