import type { ImageRecipe } from '../images/recipe.ts';
import { normalised } from '../kernel/version.ts';

/** What DTK_AUTO is, or why it is not known: then a Dockerfile that uses it ends before anything is built. */
export type Toolkit = { kind: 'known'; image: string } | { kind: 'unknown'; message: string };

/** ConfigMap in the operator's namespace: kernel → image with compiler and headers for it. */
export const toolkitTableName = 'kmm-driver-toolkit-images';

/** What is known of driver-toolkit images; each may be absent. */
export interface ToolkitSources {
  /** Data of the table: the admin's word goes first. A key is a kernel as in labels, `normalised`. */
  table?: Readonly<Record<string, string>> | undefined;
  /** `status.nodeInfo` of nodes. */
  nodes?: readonly { kernelVersion: string; osImage: string }[] | undefined;
  /** `spec.tags` of OpenShift's ImageStream `openshift/driver-toolkit`: OS build → image. */
  tags?: readonly { name: string; image: string }[] | undefined;
}

/** Of `Red Hat Enterprise Linux CoreOS 411.86.202210072320-0 (Ootpa)` the build (facts (d.5)). */
const osBuildPattern = /\d+\.\d+\.\d+-\d/;

/** The image that DTK_AUTO names for a kernel, or what is missing to know it. */
export function toolkitImage(kernel: string, { table, nodes = [], tags = [] }: ToolkitSources): Toolkit {
  const named = table?.[normalised(kernel)]?.trim();
  if (named) return { kind: 'known', image: named };
  const told = `put it into ConfigMap ${toolkitTableName}, key ${normalised(kernel)}, or give build argument DTK_AUTO`;
  const unknown = (why: string): Toolkit => ({
    kind: 'unknown',
    message: `no driver toolkit image is known for kernel ${kernel}: ${why}; ${told}`,
  });
  const running = nodes.filter(({ kernelVersion }) => kernelVersion === kernel || kernelVersion === `${kernel}+`);
  if (running.length === 0) return unknown('no node here runs it');
  const builds = [...new Set(running.flatMap(({ osImage }) => osBuildPattern.exec(osImage)?.[0] ?? []))].sort();
  if (builds.length === 0) return unknown('its nodes name no OS build');
  // Two builds may have one kernel: the latest toolkit that is there. Their numbers are dates.
  const image = tags.filter(({ name }) => builds.includes(name)).sort((a, b) => (a.name < b.name ? 1 : -1))[0]?.image;
  return image ? { kind: 'known', image } : unknown(`ImageStream driver-toolkit has no tag ${builds.join(' or ')}`);
}

/** Whether it matters that the toolkit's image is known. */
export function usesToolkit(dockerfile: string): boolean {
  return dockerfile.includes('DTK_AUTO');
}

/** Whether the user says it by a build argument: who does knows better than our tables. */
export function namesToolkit({ build }: ImageRecipe): boolean {
  return build?.args.some(({ name }) => name === 'DTK_AUTO') ?? false;
}
