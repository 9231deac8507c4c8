import { type Module, modules } from '@open-cluster-management/api-types';
import { WaitingError } from '../../shared/core/errors.ts';
import { after, done, type Outcome } from '../../shared/core/outcome.ts';
import type { Cache, Change } from '../../shared/kube/cache.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { type Controller, watching } from '../../shared/kube/controller.ts';
import { isNotFound } from '../../shared/kube/errors.ts';
import { type DaemonSet, type Node, objectKey, type Pod } from '../../shared/kube/object.ts';
import type { Runtime } from '../../shared/kube/runtime.ts';
import { writeStatus } from '../../shared/kube/status.ts';
import { UnknownMembers } from '../../shared/kube/unknown-members.ts';
import { devicePluginPlan } from '../device-plugin/decide.ts';
import type { ModuleImages } from '../images/module-images.ts';
import { byNode, keysForOwned } from '../indexes.ts';
import { sameNode } from '../nodes.ts';
import { Observations } from '../observations.ts';
import { isTerminating, moduleKeyOf, purposeOf } from '../pods.ts';
import type { SpokeSettings } from '../settings.ts';
import { type Applied, apply, releaseModule } from './apply.ts';
import { decide, type Plan } from './decide.ts';
import { gather } from './gather.ts';
import { wantedImages } from './images.ts';
import { reasons } from './reasons.ts';
import { statusOf } from './status.ts';
import { type ModulePicture, patienceMs, type Survey, selects, survey } from './survey.ts';

export interface ModuleLoaderOptions {
  client: KubeClient;
  runtime: Runtime;
  settings: SpokeSettings;
  caches: { modules: Cache<Module>; nodes: Cache<Node>; pods: Cache<Pod>; daemonSets: Cache<DaemonSet> };
  images: Pick<ModuleImages, 'want' | 'known' | 'source'>;
}

/** How often a Module is looked at whose next step time alone decides (a pod without a final word, a pull error). Costs no request. */
const lookAgainMs = 5_000;
const foreignAgainMs = 5 * 60_000;

/** Keeps loaders and device plugin of each Module as its spec says, and says in its status how far that is. Key: `namespace/name`. */
export function moduleLoaderController(options: ModuleLoaderOptions): Controller {
  const { caches, runtime, client, settings, images } = options;
  const observations = new Observations(runtime.clock);
  const marked = new Map<string, string>();
  const unknown = new UnknownMembers(() => runtime.clock.passed());
  const log = runtime.log.child({ controller: 'module-loader' });
  const sources = { ...caches, settings, images, clock: runtime.clock, observations };
  return {
    name: 'module-loader',
    sources: [
      watching(caches.modules, keysForModule),
      watching(caches.daemonSets, keysForOwned),
      watching(caches.pods, keysForOwned),
      watching(caches.nodes, (change) => keysForNode(change, caches)),
      images.source,
    ],
    async reconcile(key) {
      const picture = gather(sources, key, marked.get(key));
      if (picture.module === undefined && picture.pods.length === 0) {
        marked.delete(key);
        observations.forgetAll(`${key}/`);
        images.want(key, []);
        return done;
      }
      const seen = survey(picture);
      images.want(key, wantedImages(seen));
      const plan = decide(picture, seen);
      const plugin = devicePluginPlan(picture, seen);
      remember(marked, key, plan);
      const applied = await apply({ client, log: log.child({ module: key }), picture, plan, plugin });
      await report({ client, unknown, picture, seen, plan, plugin, applied });
      return end(picture, seen, applied);
    },
  };
}

interface ReportInput {
  client: KubeClient;
  unknown: UnknownMembers;
  picture: ModulePicture;
  seen: Survey;
  plan: Plan;
  plugin: ReturnType<typeof devicePluginPlan>;
  applied: Applied;
}

async function report({ client, unknown, picture, seen, plan, plugin, applied }: ReportInput): Promise<void> {
  const { module } = picture;
  if (module === undefined) return;
  const status = statusOf({ picture, seen, plan, plugin: plugin.final, failures: applied.failures });
  try {
    await writeStatus(client, modules, module, status, unknown);
    await releaseModule(client, module, plan);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function end(picture: ModulePicture, seen: Survey, { errors, failures }: Applied): Outcome {
  if (errors.length > 0) throw errors[0];
  const foreign = failures.find(({ reason }) => reason === reasons.foreign);
  if (foreign !== undefined) throw new WaitingError(foreign.reason, foreign.message, foreignAgainMs);
  const waitsForTime =
    seen.targets.some(({ trouble, state }) => trouble?.patient && state !== 'failed') ||
    [...picture.podlessMs.values()].some((ms) => ms < patienceMs) ||
    picture.pods.some((pod) => purposeOf(pod) === 'unload' || (purposeOf(pod) === 'load' && isTerminating(pod)));
  return waitsForTime ? after(lookAgainMs, 'TimeMayDecide') : done;
}

/** Which pod was marked last: the cache may show it unmarked for a while yet, and no other may be chosen meanwhile. */
function remember(marked: Map<string, string>, key: string, { mark }: Plan): void {
  const uid = mark[0]?.metadata.uid;
  if (uid !== undefined) marked.set(key, uid);
}

function keysForModule({ previous, current }: Change<Module>): string[] {
  return [objectKey((current ?? previous) as Module)];
}

/** Modules that select the node, or selected it, or have a pod on it. */
export function keysForNode(
  { previous, current }: Change<Node>,
  caches: Pick<ModuleLoaderOptions['caches'], 'modules' | 'pods'>,
): Set<string> {
  if (sameNode(previous, current)) return new Set();
  const versions = [previous, current].filter((node) => node !== undefined);
  const selecting = caches.modules.list().filter((module) => versions.some((node) => selects(module, node)));
  const name = versions[0]?.metadata.name ?? '';
  const holding = caches.pods.byIndex(byNode, name).map(moduleKeyOf);
  return new Set([...selecting.map(objectKey), ...holding.filter((key) => key !== undefined)]);
}
