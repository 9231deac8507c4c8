/** Why an image is not there yet: reasons of `status.images`, of events, and labels of metrics (one word everywhere). */
export const makingReasons = {
  building: 'ImageBuilding',
  signing: 'ImageSigning',
  queued: 'BuildQueued',
  buildFailed: 'BuildFailed',
  signFailed: 'SignFailed',
  notPushed: 'ImageNotPushed',
  unsignedMissing: 'UnsignedImageMissing',
  dockerfileMissing: 'DockerfileMissing',
  secretMissing: 'SecretMissing',
  secretRefused: 'SecretRefused',
  recipeInvalid: 'RecipeInvalid',
  notConfigured: 'BuildsNotConfigured',
} as const;

/** Those that somebody should look at. */
export const makingFailures = [
  makingReasons.buildFailed,
  makingReasons.signFailed,
  makingReasons.notPushed,
  makingReasons.dockerfileMissing,
  makingReasons.secretMissing,
  makingReasons.secretRefused,
  makingReasons.recipeInvalid,
  makingReasons.notConfigured,
] as const;
