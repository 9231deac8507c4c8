import { type Report, type ReportCounts, type ReportError, reportBounds } from '@open-cluster-management/api-types';
import { shortened } from '../../shared/core/conditions.ts';
import { limits } from '../../shared/core/limits.ts';

/** What a report tells, before anything is cut. */
export interface ReportContent {
  version: string | undefined;
  nodes: ReportCounts;
  kernels: ReadonlyMap<string, ReportCounts>;
  unmapped: readonly string[];
  errors: readonly ReportError[];
}

const nameCharsMax = 256;

/**
 * `Module.status.report` (contract 4): compact JSON of at most 4,096 bytes. What does not fit is cut in the contract's
 * order and each cut is counted: errors from the last, kernels from the least desired, unmapped kernels from the last.
 */
export function formatReport(content: ReportContent): string {
  const kernels = [...content.kernels].sort(([nameA, [a]], [nameB, [b]]) => b - a || (nameA < nameB ? -1 : 1));
  const errors = content.errors.map(bounded);
  const kept = {
    errors: Math.min(errors.length, reportBounds.errorsMax),
    kernels: Math.min(kernels.length, reportBounds.kernelsMax),
    unmapped: Math.min(content.unmapped.length, reportBounds.kernelsMax),
  };
  const text = () => JSON.stringify(build({ ...content, errors, kernels: new Map(kernels) }, kept));
  for (const part of ['errors', 'kernels', 'unmapped'] as const) {
    while (kept[part] > 0 && Buffer.byteLength(text()) > limits.reportBytesMax) kept[part]--;
  }
  return text();
}

function build(content: ReportContent, kept: { errors: number; kernels: number; unmapped: number }): Report {
  const { version, nodes, kernels, unmapped, errors } = content;
  const more = errors.length - kept.errors;
  const moreKernels = kernels.size - kept.kernels;
  const moreUnmapped = unmapped.length - kept.unmapped;
  return {
    v: 1,
    ...(version && { version: shortened(version, nameCharsMax) }),
    nodes,
    ...(kept.kernels > 0 && { kernels: Object.fromEntries([...kernels].slice(0, kept.kernels)) }),
    ...(moreKernels > 0 && { moreKernels }),
    ...(kept.unmapped > 0 && {
      unmapped: unmapped.slice(0, kept.unmapped).map((kernel) => shortened(kernel, nameCharsMax)),
    }),
    ...(moreUnmapped > 0 && { moreUnmapped }),
    ...(kept.errors > 0 && { errors: errors.slice(0, kept.errors) }),
    ...(more > 0 && { more }),
  };
}

function bounded({ node, kernel, reason, message }: ReportError): ReportError {
  return {
    node: shortened(node, nameCharsMax),
    kernel: shortened(kernel, nameCharsMax),
    reason: shortened(reason, nameCharsMax),
    message: shortened(message, reportBounds.errorMessageCharsMax),
  };
}
