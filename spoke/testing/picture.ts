import { resolveMapping } from '../../shared/kernel/mapping.ts';
import { annotations, readyLabel } from '../../shared/kube/names.ts';
import type { DaemonSet, Node, Pod } from '../../shared/kube/object.ts';
import { devicePluginPlan } from '../device-plugin/decide.ts';
import { loaderDaemonSet } from '../module-loader/daemon-set.ts';
import { decide } from '../module-loader/decide.ts';
import { hashOf, type Loader } from '../module-loader/loader-pod.ts';
import { statusOf } from '../module-loader/status.ts';
import { type ModulePicture, survey } from '../module-loader/survey.ts';
import {
  buildLoader,
  buildModule,
  buildNode,
  kernelA,
  type LoaderOptions,
  type NodeOptions,
  settings,
} from './builders.ts';

export const ready = readyLabel('modules', 'simple');

export function buildPicture(overrides: Partial<ModulePicture> = {}): ModulePicture {
  return {
    identity: { namespace: 'modules', name: 'simple' },
    module: buildModule(),
    nodes: [],
    daemonSets: [],
    pods: [],
    images: new Map(),
    settings,
    nowMs: Date.UTC(2026, 0, 1),
    troubleMs: new Map(),
    podlessMs: new Map(),
    marked: undefined,
    ...overrides,
  };
}

/** Everything that is decided and said about a picture. */
export function look(overrides: Partial<ModulePicture>) {
  const picture = buildPicture(overrides);
  const seen = survey(picture);
  const plan = decide(picture, seen);
  const plugin = devicePluginPlan(picture, seen);
  const status = picture.module && statusOf({ picture, seen, plan, plugin: plugin.final, failures: [] });
  return { picture, seen, plan, plugin, status };
}

export function loaderOf(module = buildModule(), kernel = kernelA): Loader {
  const mapping = resolveMapping(module.spec.moduleLoader!.container, kernel, { namespace: 'modules', name: 'simple' });
  if (mapping.kind !== 'match') throw new Error(`expected a mapping of ${kernel}, got ${mapping.kind}`);
  return { module, settings, mapping: mapping.mapping };
}

/** As it stands in the API, owned by the Module. */
export function ownedDaemonSet(module = buildModule(), kernel = kernelA): DaemonSet {
  const daemonSet = loaderDaemonSet(loaderOf(module, kernel));
  const owner = {
    apiVersion: module.apiVersion,
    kind: module.kind,
    name: 'simple',
    uid: 'module-uid',
    controller: true,
  };
  return { ...daemonSet, metadata: { ...daemonSet.metadata, uid: `ds-${kernel}`, ownerReferences: [owner] } };
}

/** A loader pod with the hash and template of `module`, as the DaemonSet makes it. */
export function servingLoader(node: string, options: LoaderOptions = {}, module = buildModule()): Pod {
  const loader = loaderOf(module, options.kernel ?? kernelA);
  const pod = buildLoader(node, { hash: hashOf(loader), ...options });
  const { template } = loaderDaemonSet(loader).spec;
  const templateHash = template.metadata?.annotations?.[annotations.templateHash] ?? '';
  pod.metadata.annotations = { ...pod.metadata.annotations, [annotations.templateHash]: templateHash };
  pod.spec = { ...template.spec!, ...pod.spec, containers: template.spec!.containers };
  return pod;
}

/** A node on which the Module is loaded, by its label and the record of it. */
export function servingNode(name: string, options: NodeOptions = {}): Node {
  const record = JSON.stringify({
    'modules.simple': { container: `${name}-c1`, boot: options.boot ?? `boot-of-${name}` },
  });
  return buildNode(name, {
    ...options,
    labels: { [ready]: '', ...options.labels },
    annotations: { [annotations.loadedBoots]: record, ...options.annotations },
  });
}
