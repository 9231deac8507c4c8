import type { EventRecorder } from '../kube/events.ts';
import type { KubeObject } from '../kube/object.ts';
import type { MakingMeters } from './making-meters.ts';
import type { Ordered } from './orders.ts';
import type { JobEnd, MakingJob, Step } from './picture.ts';
import type { Told } from './told.ts';

export interface MakingEventsOptions {
  events: Pick<EventRecorder, 'record'>;
  meters: MakingMeters;
  /** The object in whose name a token's image is made. */
  regarding: (token: string) => KubeObject | undefined;
}

const words = { build: 'Build', sign: 'Sign' } as const;

/** Tells each module that wants an image what happens to it: created, succeeded, failed, cancelled (checklist 79). */
export class MakingEvents implements Told {
  readonly #options: MakingEventsOptions;

  constructor(options: MakingEventsOptions) {
    this.#options = options;
  }

  created(step: Step, want: Ordered, { kind, name }: Pick<MakingJob, 'kind' | 'name'>): void {
    this.#tell(step, [want], { what: 'Created', type: 'Normal', rest: `by ${kind} ${name}` });
  }

  ended(job: MakingJob, end: JobEnd, wants: readonly Ordered[]): void {
    const { step, kind, name, phase, seconds } = job;
    const failed = phase === 'failed';
    this.#options.meters.ended(step, failed ? end.reason : 'Succeeded', seconds);
    const rest = failed ? `in ${kind} ${name}: ${end.message}` : `by ${kind} ${name}`;
    this.#tell(
      step,
      wants,
      failed ? { what: 'Failed', type: 'Warning', rest } : { what: 'Succeeded', type: 'Normal', rest },
    );
  }

  cancelled({ step, kind, name }: MakingJob, wants: readonly Ordered[], why: string): void {
    this.#options.meters.ended(step, 'Cancelled', undefined);
    this.#tell(step, wants, { what: 'Cancelled', type: 'Normal', rest: `${kind} ${name}: ${why}` });
  }

  #tell(
    step: Step,
    wants: readonly Ordered[],
    { what, type, rest }: { what: string; type: 'Normal' | 'Warning'; rest: string },
  ): void {
    const told = new Set<string>();
    for (const { token, recipe } of wants) {
      const regarding = this.#options.regarding(token);
      const uid = regarding?.metadata.uid ?? '';
      if (regarding === undefined || told.has(uid)) continue;
      told.add(uid);
      const reason = `${words[step]}${what}`;
      const note = `kernel ${recipe.kernel}, image ${recipe.image}: ${step} ${what.toLowerCase()} ${rest}`;
      this.#options.events.record({ regarding, type, reason, note, action: words[step] });
    }
  }
}
