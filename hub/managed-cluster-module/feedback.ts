import { type ManifestWork, parseReport, type Report } from '@open-cluster-management/api-types';
import { frozen } from '../../shared/core/frozen.ts';
import { limits } from '../../shared/core/limits.ts';

/** One section of Module.status; what the spoke does not send is absent, which for upstream's spoke means 0. */
export interface Counts {
  nodesMatchingSelectorNumber?: number;
  desiredNumber?: number;
  availableNumber?: number;
}

/** What the work agent brought back from the spoke. All of it is text and numbers from a cluster that may be hostile. */
export interface Feedback {
  moduleLoader: Counts;
  devicePlugin: Counts;
  dra: Counts;
  /** The hub-state that the spoke's status was computed from; upstream's spoke sends none. */
  state: string | undefined;
  /** Contract 4, parsed, bounded, control characters stripped. */
  report: Report | undefined;
  /** Why there is a report that cannot be used. */
  reportProblem: string | undefined;
}

const readings = new WeakMap<ManifestWork, Feedback>();

/** Of the first manifest: our works hold one. A cached work is frozen, and is read once for all looks at it. */
export function readFeedback(work: ManifestWork): Feedback {
  const known = readings.get(work);
  if (known !== undefined) return known;
  const feedback = feedbackIn(work);
  if (Object.isFrozen(work)) readings.set(work, feedback);
  return feedback;
}

function feedbackIn(work: ManifestWork): Feedback {
  const values = new Map<string, string | number>();
  for (const { name, fieldValue } of work.status?.resourceStatus?.manifests?.[0]?.statusFeedback?.values ?? []) {
    const value = fieldValue.type === 'Integer' ? fieldValue.integer : fieldValue.string;
    if (value !== undefined) values.set(name, value);
  }
  const text = (name: string) => {
    const value = values.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  return {
    moduleLoader: readCounts(values, 'moduleLoader'),
    devicePlugin: readCounts(values, 'devicePlugin'),
    dra: readCounts(values, 'dra'),
    state: text('state'),
    ...readReport(text('report')),
  };
}

/** Kernels that the report says nodes run, mapped or not. */
export function reportedKernels(feedback: Feedback | undefined): string[] {
  const { unmapped = [], kernels = {} } = feedback?.report ?? {};
  const mapped = Object.entries(kernels).filter(([, [desired]]) => desired > 0);
  return [...unmapped, ...mapped.map(([kernel]) => kernel)];
}

const countNames = ['nodesMatchingSelectorNumber', 'desiredNumber', 'availableNumber'] as const;

function readCounts(values: ReadonlyMap<string, string | number>, section: string): Counts {
  const counts: Counts = {};
  for (const name of countNames) {
    const value = values.get(`${section}.${name}`);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) counts[name] = value;
  }
  return counts;
}

function readReport(text: string | undefined): Pick<Feedback, 'report' | 'reportProblem'> {
  if (text === undefined) return { report: undefined, reportProblem: undefined };
  const report = reportOf(text);
  const reportProblem = `expected a report of at most ${limits.reportBytesMax} bytes of version 1, got something else`;
  return report === undefined ? { report, reportProblem } : { report, reportProblem: undefined };
}

const reportsKnown = new Map<string, Report | undefined>();
/** Of at most 4 KiB each. */
const reportsMax = 256;

/** Clusters of the same kernel and as many nodes say the same: it is read once, and once in memory. */
function reportOf(text: string): Report | undefined {
  if (reportsKnown.has(text)) return reportsKnown.get(text);
  const report = frozen(parseReport(text));
  if (text.length > limits.reportBytesMax) return report;
  if (reportsKnown.size >= reportsMax) reportsKnown.clear();
  reportsKnown.set(text, report);
  return report;
}

/** Text from a cluster without what could move a terminal's cursor or fake a line of a log. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
}
