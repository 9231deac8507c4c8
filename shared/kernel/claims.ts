import { shortened } from '../core/conditions.ts';
import { limits } from '../core/limits.ts';
import { isKernelVersion, withoutPlus } from './version.ts';

export interface Claim {
  name: string;
  value: string;
}

/** What a cluster claims to run, read as hostile text (contract 7). */
export interface KernelInventory {
  /** Sorted, unique, without `+`; at most `limits.kernelsPerClusterMax`. */
  kernels: string[];
  /** Lines that are not used, printable and shortened, the first few of them. */
  ignored: { text: string; reason: 'NotAKernelVersion' | 'TooManyKernels' | 'ValueTooLong' }[];
  /** Ignored lines that `ignored` has no room for. */
  moreIgnored: number;
  /** False without the first claim: this cluster reports no kernels (yet). */
  claimed: boolean;
  /** False when the spoke had more than fits, or a part of what it wrote is not here. */
  complete: boolean;
}

/** The first claim's name; `shared/kube/names.ts` knows it too, but arrows of imports do not lead there from here. */
const kernelClaim = 'kernel-versions.kmm.node.kubernetes.io';
/** Claims that one cluster may use for kernels: registration agents pass on the first 20 custom claims by name only. */
const claimsMax = 4;
const ignoredMax = 8;
const ignoredCharsMax = 80;

/** The name of the kernel claim number `part`; the first has no suffix, so that all others sort behind it. */
export function kernelClaimName(part: number): string {
  return part === 1 ? kernelClaim : `${kernelClaim}-${part}`;
}

/** All names that `formatKernelClaims` may use: the spoke deletes those that it no longer needs. */
export const kernelClaimNames: readonly string[] = Array.from({ length: claimsMax }, (_, index) =>
  kernelClaimName(index + 1),
);

/**
 * The claims that tell the hub the releases of this cluster's nodes: unique, sorted, raw (with `+`). The first holds
 * kernels only, because an upstream hub takes each line for one; the others begin with `#<part>/<parts needed>`. What
 * four claims cannot hold is left out, and `parts needed` above four says so. No release: no claim.
 */
export function formatKernelClaims(releases: readonly string[]): Claim[] {
  const lines = [...new Set(releases)].filter(isClaimLine).sort();
  const parts: string[] = [];
  // The header's room is kept free in every part but the first, whatever the final number of parts is.
  const headerChars = '#9999/9999'.length;
  for (const line of lines) {
    const last = parts.at(-1);
    const room = limits.claimValueCharsMax - (parts.length > 1 ? headerChars + 1 : 0);
    if (last !== undefined && last.length + 1 + line.length <= room) parts[parts.length - 1] = `${last}\n${line}`;
    else parts.push(line);
  }
  return parts.slice(0, claimsMax).map((part, index) => ({
    name: kernelClaimName(index + 1),
    value: index === 0 ? part : `#${index + 1}/${parts.length}\n${part}`,
  }));
}

/**
 * Unites the kernel claims among `claims` (ManagedCluster.status.clusterClaims). Never throws; whatever the cluster
 * sends, the result is bounded and each kernel fits `isKernelVersion` without its `+`.
 */
export function parseKernelClaims(claims: readonly Claim[]): KernelInventory {
  const values = kernelClaimNames.map((name) => claims.find((claim) => claim.name === name)?.value);
  const kernels = new Set<string>();
  const ignored: KernelInventory['ignored'] = [];
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue;
    if (value.length > limits.claimValueCharsMax) {
      ignored.push({ text: value, reason: 'ValueTooLong' });
      continue;
    }
    for (const [row, line] of value.split('\n').entries()) {
      if (line === '' || (index > 0 && row === 0 && partsOf(line, index + 1) !== undefined)) continue;
      const kernel = withoutPlus(line);
      if (!isKernelVersion(line)) ignored.push({ text: line, reason: 'NotAKernelVersion' });
      else if (kernels.size < limits.kernelsPerClusterMax || kernels.has(kernel)) kernels.add(kernel);
      else ignored.push({ text: line, reason: 'TooManyKernels' });
    }
  }
  return {
    kernels: [...kernels].sort(),
    ignored: ignored.slice(0, ignoredMax).map(({ text, reason }) => ({ text: printable(text), reason })),
    moreIgnored: Math.max(0, ignored.length - ignoredMax),
    claimed: values[0] !== undefined,
    complete: isComplete(values),
  };
}

/** Whether each part is there that any header counts, and every part but the first has a header. */
function isComplete(values: readonly (string | undefined)[]): boolean {
  const counts = values.slice(1).map((value, index) => {
    if (value === undefined) return undefined;
    return partsOf(value.split('\n', 1)[0] ?? '', index + 2) ?? Number.POSITIVE_INFINITY;
  });
  const needed = Math.max(1, ...counts.filter((count) => count !== undefined));
  return needed <= claimsMax && values.slice(0, needed).every((value) => value !== undefined);
}

/** The number of parts that the header of part `part` states. */
function partsOf(line: string, part: number): number | undefined {
  const match = /^#(\d{1,4})\/(\d{1,4})$/.exec(line);
  return match !== null && Number(match[1]) === part && Number(match[2]) >= part ? Number(match[2]) : undefined;
}

/** Whether the format can carry it; whether it is a kernel version is for the hub to judge and to name. */
function isClaimLine(release: string): boolean {
  return /^[^#\p{Cc}][^\p{Cc}]{0,252}$/u.test(release);
}

function printable(text: string): string {
  return shortened(text.slice(0, 4 * ignoredCharsMax).replace(/[^ -~]/g, '?'), ignoredCharsMax);
}
