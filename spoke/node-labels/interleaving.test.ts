import assert from 'node:assert/strict';
import { annotations, readyLabel } from '../../shared/kube/names.ts';
import type { Node, Pod } from '../../shared/kube/object.ts';
import { podIndexes } from '../indexes.ts';
import { Observations } from '../observations.ts';
import { buildLoader, buildModule, buildNode, ended, type LoaderOptions } from '../testing/builders.ts';
import { merged, view } from '../testing/model-api.ts';
import { decide } from './decide.ts';
import { gather } from './gather.ts';

const ready = readyLabel('modules', 'simple');
const record = (container: string, boot: string) => JSON.stringify({ 'modules.simple': { container, boot } });

/** What a node and its loader pod tell in the course of something, each in its own order; the last is how it ends. */
interface Story {
  node: readonly Node[];
  pod: readonly Pod[];
  /** Under which boot the module is really loaded by what the pod tells, if it is. */
  loadedUnder: readonly (string | undefined)[];
}

/** All that a decision can depend on: how far the news came, what was written to the Node, what the spoke remembers. */
interface State {
  node: number;
  pod: number;
  labels: Record<string, string>;
  notes: Record<string, string>;
  seen: Record<string, { what: string; ageMs: number }>;
}

const beforeReboot: State = {
  node: 0,
  pod: 0,
  labels: { [ready]: '' },
  notes: { [annotations.loadedBoots]: record('c1', 'B1') },
  seen: {},
};
const waitMs = 30_000;
const ageMsMax = 90_000;

describe('the ready label, through every order of news, pauses and restarts of the spoke', () => {
  const tools = (boot: string | null): LoaderOptions => ({ sandboxBoot: boot });
  const reboot = (proven: boolean): Story => {
    const [first, second] = proven ? [tools('B1'), tools('B2')] : [tools(null), tools(null)];
    const status = { state: ended({}, 255) };
    return {
      node: [
        buildNode('n1', { boot: 'B1' }),
        buildNode('n1', { boot: 'B1', ready: false }),
        buildNode('n1', { boot: 'B2', ready: false }),
        buildNode('n1', { boot: 'B2' }),
      ],
      pod: [
        buildLoader('n1', { ...first, container: 'c1' }),
        buildLoader('n1', { ...first, container: 'c1', ready: false }),
        buildLoader('n1', { ...first, container: 'c1', ready: false, status }),
        buildLoader('n1', { ...second, container: 'c2', ready: false }),
        buildLoader('n1', { ...second, container: 'c2' }),
      ],
      loadedUnder: ['B1', 'B1', undefined, undefined, 'B2'],
    };
  };

  it('stands after a reboot only over a container of the new boot, and comes back in the end [T11] [45]', () => {
    const story = reboot(true);
    const ends = explore(story, ({ node, pod, labels }) => {
      if (!(ready in labels)) return;
      const boot = story.node[node]?.status?.nodeInfo?.bootID;
      // A pod that is not Ready yet but may only flap keeps the label for a while: then it is of this boot at least.
      assert.equal(pod >= 3 ? 'B2' : 'B1', boot, `node news ${node}, pod news ${pod}`);
      if (boot === 'B2') assert.equal(story.loadedUnder[pod], 'B2');
    });
    for (const end of ends) assert.ok(ready in end.labels);
  });

  it('believes a pod that cannot prove its boot only after it was seen running for a minute of it', () => {
    const story = reboot(false);
    const ends = explore(story, ({ node, pod, labels, seen }, before) => {
      const isNew = ready in labels && !(ready in before.labels);
      if (!isNew || node < 2 || story.loadedUnder[pod] === 'B2') return;
      const lasted = Object.entries(seen).some(([subject, { ageMs }]) => /container$/.test(subject) && ageMs >= 60_000);
      assert.ok(lasted, `node news ${node}, pod news ${pod}`);
    });
    for (const end of ends) assert.ok(ready in end.labels);
  });

  it('does not fall when kubelet restarts, unless it takes longer than half a minute', () => {
    const pod = (isReady: boolean) => buildLoader('n1', { sandboxBoot: 'B1', container: 'c1', ready: isReady });
    const node = (isReady: boolean) => buildNode('n1', { boot: 'B1', ready: isReady });
    const story: Story = {
      node: [node(true), node(false), node(true)],
      pod: [pod(true), pod(false), pod(true), pod(false), pod(true)],
      loadedUnder: ['B1', 'B1', 'B1', 'B1', 'B1'],
    };
    const ends = explore(story, ({ node: news, labels, seen }, before) => {
      if (ready in labels || !(ready in before.labels)) return;
      const lasted = Object.entries(seen).some(([subject, { ageMs }]) => /readiness$/.test(subject) && ageMs >= waitMs);
      assert.ok(lasted && news !== 1, `node news ${news}`);
    });
    for (const end of ends) assert.ok(ready in end.labels);
  });
});

/**
 * Visits every state that any order of news, looks of the spoke, pauses and restarts can lead to. `check` gets each state
 * that a look has left, and the one before; returned are those in which all news is told and the spoke has had its time.
 */
function explore(story: Story, check: (looked: State, before: State) => void): State[] {
  const known = new Map<string, State>();
  const ends: State[] = [];
  const queue: State[] = [look(story, beforeReboot)];
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    const key = JSON.stringify(state);
    if (known.has(key)) continue;
    known.set(key, state);
    const looked = look(story, state);
    check(looked, state);
    const again = look(story, looked);
    assert.deepEqual([again.labels, again.notes], [looked.labels, looked.notes], 'a second look changes nothing');
    if (state.node === story.node.length - 1 && state.pod === story.pod.length - 1) {
      ends.push(look(story, passed(look(story, passed(look(story, passed(looked)))))));
    }
    if (state.node < story.node.length - 1) queue.push({ ...state, node: state.node + 1 });
    if (state.pod < story.pod.length - 1) queue.push({ ...state, pod: state.pod + 1 });
    queue.push(looked, passed(state), { ...state, seen: {} });
  }
  assert.ok(known.size > 50 && ends.length > 0, `only ${known.size} states`);
  return ends;
}

function passed(state: State): State {
  const seen = Object.entries(state.seen).map(([subject, { what, ageMs }]) => {
    return [subject, { what, ageMs: Math.min(ageMs + waitMs, ageMsMax) }];
  });
  return { ...state, seen: Object.fromEntries(seen) };
}

/** One look of the controller, with its own gather. */
function look(story: Story, state: State): State {
  const observations = remembering(state.seen);
  const told = story.node[state.node]!;
  const node = { ...told, metadata: { ...told.metadata, labels: state.labels, annotations: state.notes } };
  const pod = story.pod[state.pod]!;
  const picture = gather(
    { nodes: view([node], {}), pods: view([pod], podIndexes), modules: view([buildModule()], {}), observations },
    'n1',
  );
  assert.ok(picture);
  const decision = decide(picture);
  const labels = merged(state.labels, decision.labels);
  return { ...state, labels, notes: merged(state.notes, decision.annotations), seen: observations.noted };
}

class NotedObservations extends Observations {
  noted: State['seen'] = {};

  override ageMs(subject: string, what: string): number {
    const ageMs = super.ageMs(subject, what);
    this.noted = { ...this.noted, [subject]: { what, ageMs } };
    return ageMs;
  }
}

/** Observations that have seen what a state says, for as long as it says. */
function remembering(seen: State['seen']): NotedObservations {
  const presentMs = 1_000_000;
  let passedMs = presentMs;
  const observations = new NotedObservations({ passed: () => passedMs });
  for (const [subject, { what, ageMs }] of Object.entries(seen)) {
    passedMs = presentMs - ageMs;
    observations.ageMs(subject, what);
  }
  passedMs = presentMs;
  return observations;
}
