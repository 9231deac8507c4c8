import type { OpenShiftBuild } from '../build/openshift-build.ts';
import { shortened } from '../core/conditions.ts';
import { oneLine } from '../core/one-line.ts';
import { makingReasons } from './making-reasons.ts';
import type { MakingJob } from './picture.ts';
import { digestIn, endOfLog, messageCharsMax } from './said.ts';
import { troubleCharsMax } from './step-pods.ts';

/** What the status of a Job, or Build, says. */
export interface StatedByStatus extends Pick<MakingJob, 'phase' | 'said'> {
  endedAt: string | undefined;
  /** Nothing runs that would end it. */
  isWaiting?: boolean;
  /** Why it has no pod that starts. */
  trouble?: string | undefined;
}

/** What a Build's status says. It is OpenShift's own program that writes it: phases that we do not know count as under way. */
export function buildState({ status = {} }: OpenShiftBuild): StatedByStatus {
  const endedAt = status.completionTimestamp;
  switch (status.phase) {
    case 'Complete': {
      const digest = digestIn(status.output?.to?.imageDigest);
      return { phase: 'succeeded', endedAt, said: { ...(digest && { digest }), reason: '', message: '' } };
    }
    case 'Failed':
      // The build's own pod says that it failed; its controller adds the end of the log, and the time, a moment later.
      if (endedAt === undefined) return { phase: 'active', endedAt, said: failure(status), isWaiting: true };
      return { phase: 'failed', endedAt, said: failure(status) };
    case 'Error':
    case 'Cancelled':
      return { phase: 'failed', endedAt, said: failure(status) };
    case undefined:
    case 'New':
    case 'Pending':
      // The deadline of a Build is its pod's, and counts from when that starts.
      return { phase: 'active', endedAt: undefined, said: undefined, isWaiting: true, trouble: troubleOf(status) };
    default:
      return { phase: 'active', endedAt: undefined, said: undefined };
  }
}

type Status = NonNullable<OpenShiftBuild['status']>;

function failure(status: Status): MakingJob['said'] {
  const why = endOfLog(status.logSnippet ?? '') || endOfLog(status.message ?? '') || 'it left no message';
  const message = shortened(`${status.reason || status.phase}: ${why}`, messageCharsMax);
  return { reason: makingReasons.buildFailed, message };
}

/** OpenShift tries again by itself while it says so. */
function troubleOf({ reason, message }: Status): string | undefined {
  const said = [reason, message].filter(Boolean).join(': ');
  return said === '' ? undefined : shortened(oneLine(said), troubleCharsMax);
}
