import type { OpenShiftBuild } from '../build/openshift-build.ts';
import { shortened } from '../core/conditions.ts';
import { makingReasons } from './making-reasons.ts';
import type { MakingJob } from './picture.ts';
import { digestIn, endOfLog, messageCharsMax } from './said.ts';

/** What a Build's status says. It is OpenShift's own program that writes it: phases that we do not know count as under way. */
export function buildState({ status = {} }: OpenShiftBuild): {
  phase: MakingJob['phase'];
  endedAt: string | undefined;
  said: MakingJob['said'];
} {
  const endedAt = status.completionTimestamp;
  // The build's own pod says that it failed; its controller adds the end of the log, and the time, a moment later.
  if (status.phase === 'Failed' && endedAt === undefined) return { phase: 'active', endedAt, said: undefined };
  switch (status.phase) {
    case 'Complete': {
      const digest = digestIn(status.output?.to?.imageDigest);
      return { phase: 'succeeded', endedAt, said: { ...(digest && { digest }), reason: '', message: '' } };
    }
    case 'Failed':
    case 'Error':
    case 'Cancelled': {
      const why = endOfLog(status.logSnippet ?? '') || endOfLog(status.message ?? '') || 'it left no message';
      const message = shortened(`${status.reason || status.phase}: ${why}`, messageCharsMax);
      return { phase: 'failed', endedAt, said: { reason: makingReasons.buildFailed, message } };
    }
    default:
      return { phase: 'active', endedAt: undefined, said: undefined };
  }
}
