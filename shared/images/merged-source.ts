import type { BuildSpec, SignSpec } from '@open-cluster-management/api-types';

/**
 * The container's `build` with what the mapping overrides (facts (c) 9): the Dockerfile; build arguments by name, later
 * ones last; secrets in addition. TLS options, selector and kaniko's parameters of the mapping count only when the
 * container has no `build`.
 */
export function mergedBuild(container?: BuildSpec, mapping?: BuildSpec): BuildSpec | undefined {
  if (container === undefined || mapping === undefined) return mapping ?? container;
  const args = new Map((container.buildArgs ?? []).map((arg) => [arg.name, arg]));
  for (const arg of mapping.buildArgs ?? []) args.set(arg.name, arg);
  return {
    ...container,
    dockerfileConfigMap: named(mapping.dockerfileConfigMap) ?? container.dockerfileConfigMap,
    buildArgs: [...args.values()],
    secrets: [...(container.secrets ?? []), ...(mapping.secrets ?? [])],
  };
}

/** The container's `sign` with the image and Secrets that the mapping sets, and its files in addition (facts (c) 10). */
export function mergedSign(container?: SignSpec, mapping?: SignSpec): SignSpec | undefined {
  if (container === undefined || mapping === undefined) return mapping ?? container;
  const unsignedImage = mapping.unsignedImage || container.unsignedImage;
  return {
    ...container,
    keySecret: named(mapping.keySecret) ?? container.keySecret,
    certSecret: named(mapping.certSecret) ?? container.certSecret,
    filesToSign: [...(container.filesToSign ?? []), ...(mapping.filesToSign ?? [])],
    ...(unsignedImage && { unsignedImage }),
  };
}

/** The CRD wants the field but lets its name be empty, which overrides nothing. */
function named<Reference extends { name?: string | undefined }>(reference: Reference): Reference | undefined {
  return reference.name ? reference : undefined;
}
