import type { AppliedManifestWork, ManifestWork, Module } from '@open-cluster-management/api-types';
import { appliedWorkFacets, FacetLog, moduleFacets, workFacets } from './facets.ts';
import type { Action, Scenario, Step } from './scenario.ts';

type Entry =
  | { seconds: number; act: string }
  | { seconds: number; seen: string; type: string; object: ManifestWork | Module | AppliedManifestWork };

/** Reduces a recording (lines of JSON) to a scenario. Throws for an act that it does not know. */
export function distil(recording: string): Scenario {
  const [head, ...entries] = recording
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line)) as [{ scenario: string; agent: string }, ...Entry[]];
  const begin = entries.findIndex((entry) => 'act' in entry);
  const steps: Step[] = [];
  const log = new FacetLog();
  let name = 'm1';
  let lastSeconds = 0;
  const finish = (seconds: number) => {
    const step = steps.at(-1);
    if (step === undefined) return;
    step.seen = log.seen();
    step.quietSeconds = Math.round(seconds - lastSeconds);
  };
  for (const [index, entry] of entries.entries()) {
    if (index < begin) continue;
    if (!('act' in entry)) {
      observe(log, entry, name);
    } else {
      name = /\bm\d\b/.exec(entry.act)?.[0] ?? name;
      const actions = actionsOf(entry.act, { name, later: entries.slice(index + 1) });
      // The recorded hub deleted at once and was lucky (contract 6): what both acts led to is one step.
      if (entry.act.endsWith('at once')) {
        steps.at(-1)?.do.push({ kind: 'awaitApplied', name }, ...actions);
        continue;
      }
      finish(entry.seconds);
      log.beginStep();
      steps.push({ act: entry.act.replace(/ \{.*/, ''), do: actions, quietSeconds: 0, seen: {} });
    }
    lastSeconds = entry.seconds;
  }
  finish(lastSeconds);
  const hasNamespace = !steps.some((step) => step.do.some(({ kind }) => kind === 'createNamespace'));
  return { scenario: head.scenario, agent: head.agent, hasNamespace, steps };
}

function observe(log: FacetLog, entry: Extract<Entry, { seen: string }>, name: string): void {
  const { object } = entry;
  const kind = entry.seen.split(' ')[1];
  const of = kind === 'ManifestWork' ? 'work' : kind === 'Module' ? 'module' : 'applied';
  // Modules that an earlier scenario left behind are listed too.
  if (of === 'module' && object.metadata.name !== name) return;
  if (entry.type === 'DELETED') log.gone(name, of);
  else if (of === 'work') log.see(name, workFacets(object as ManifestWork));
  else if (of === 'module') log.see(name, moduleFacets(object as Module));
  else log.see(name, appliedWorkFacets(object as AppliedManifestWork));
}

function actionsOf(act: string, { name, later }: { name: string; later: readonly Entry[] }): Action[] {
  const next = <T extends ManifestWork | Module>(kind: string): T => {
    const entry = later.find((candidate) => 'seen' in candidate && candidate.seen === kind);
    if (entry === undefined || !('object' in entry)) throw new Error(`nothing of ${kind} was seen after: ${act}`);
    return entry.object as T;
  };
  const status = /^spoke program writes Module status (\{.*\})$/.exec(act)?.[1];
  if (status !== undefined) return [{ kind: 'writeModuleStatus', name, patch: JSON.parse(status) }];
  if (act.startsWith('hub writes')) {
    return [{ kind: 'createWork', name, spec: next<ManifestWork>('hub ManifestWork').spec }];
  }
  if (act.startsWith('hub changes')) {
    return [{ kind: 'changeWork', name, spec: next<ManifestWork>('hub ManifestWork').spec }];
  }
  if (act.startsWith('hub deletes')) return [{ kind: 'deleteWork', name }];
  if (act.startsWith('namespace')) return [{ kind: 'createNamespace' }];
  if (act.startsWith('somebody edits'))
    return [{ kind: 'changeModule', name, spec: next<Module>('spoke Module').spec }];
  if (act === 'spoke program removes its finalizer') {
    return [{ kind: 'patchModule', name, patch: { metadata: { finalizers: null } } }];
  }
  if (act === 'spoke program adds finalizer and annotation') {
    const { finalizers, annotations } = next<Module>('spoke Module').metadata;
    return [{ kind: 'patchModule', name, patch: { metadata: { finalizers, annotations } } }];
  }
  throw new Error(`unknown act: ${act}`);
}
