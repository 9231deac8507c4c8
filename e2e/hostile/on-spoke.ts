import assert from 'node:assert/strict';
import { type Module, parseReport } from '@open-cluster-management/api-types';
import type { DaemonSet } from '../../shared/kube/object.ts';
import { devicePluginPlan } from '../../spoke/device-plugin/decide.ts';
import { decide } from '../../spoke/module-loader/decide.ts';
import { script } from '../../spoke/module-loader/loader-pod.ts';
import { statusOf } from '../../spoke/module-loader/status.ts';
import { survey } from '../../spoke/module-loader/survey.ts';
import { unloadPod } from '../../spoke/module-loader/unload-pod.ts';
import { buildNode } from '../../spoke/testing/builders.ts';
import { buildPicture } from '../../spoke/testing/picture.ts';
import { metadataCauses } from '../world/api-server/validation/metadata.ts';
import { unprintable } from './values.ts';

type PodSpec = NonNullable<DaemonSet['spec']['template']['spec']>;

/** What the spoke makes of a Module that got in, on a node that matches. Throws when any of it is not as it must be. */
export function lookOnSpoke(module: Module): Module {
  const { namespace = '', name } = module.metadata;
  // A hostile selector matches, too: labels of nodes are not for us to judge.
  const node = buildNode('n1', { release: '5.14.0-427.13.1.el9_4.x86_64', labels: { ...module.spec.selector } });
  const picture = buildPicture({ identity: { namespace, name }, module, nodes: [node] });
  const seen = survey(picture);
  const plan = decide(picture, seen);
  const plugin = devicePluginPlan(picture, seen);
  for (const daemonSet of plan.daemonSets) assertLoader(daemonSet);
  if (plugin.daemonSet !== undefined) assertObject(plugin.daemonSet);
  const status = statusOf({ picture, seen, plan, plugin: plugin.final, failures: [] });
  assert.deepEqual(unprintable(status), []);
  assert.ok(parseReport(status.report ?? ''), `a report that the hub takes: ${status.report}`);
  return { ...module, status };
}

/** Names, labels and annotations that Kubernetes takes. */
function assertObject(daemonSet: DaemonSet): void {
  const { template } = daemonSet.spec;
  const pod = { kind: 'Pod', metadata: { name: 'a', ...template.metadata } };
  for (const object of [daemonSet, pod]) {
    assert.deepEqual(metadataCauses(object as unknown as Parameters<typeof metadataCauses>[0], undefined), []);
  }
}

function assertLoader(daemonSet: DaemonSet): void {
  assertObject(daemonSet);
  const { metadata, spec } = daemonSet.spec.template;
  assertCommands(spec as PodSpec, 'run');
  const loader = {
    kind: 'Pod',
    metadata: { namespace: 'modules', name: 'a', uid: 'u', ...metadata },
    spec: { ...spec, nodeName: 'n1' },
  };
  const unloading = unloadPod(loader as unknown as Parameters<typeof unloadPod>[0]);
  assertCommands(unloading.spec as PodSpec, 'unload-any');
}

/**
 * What a shell reads is our own text: the script's path and verb, and what the init container runs. Everything else is
 * behind them, as arguments or in the environment, and in the volumes and mounts of ours nothing of the spec stands.
 */
function assertCommands(spec: PodSpec, verb: string): void {
  const [main] = spec.containers;
  assert.deepEqual(main?.command?.slice(0, 4), [...script, verb]);
  assert.equal(main?.args, undefined);
  const hook = main?.lifecycle?.preStop?.exec?.command;
  if (hook !== undefined) assert.deepEqual(hook.slice(0, 4), [...script, 'unload']);
  const [tools] = spec.initContainers ?? [];
  assert.deepEqual(tools?.command?.slice(0, 3), ['/busybox', 'sh', '-c']);
  assert.equal(tools?.command?.length, 4);
  assert.match(tools?.command?.[3] ?? '', /^\. "\$\{ROOT:-\}\/install\.sh"\n[\w\s"'$/.<>|{}:%\\[\]-]*$/);
  assert.deepEqual(
    [...new Set((spec.volumes ?? []).map((volume) => volume.hostPath?.path))].filter((path) => path !== undefined),
    ['/lib/modules', '/run/kmm', '/var/lib/firmware'].slice(
      0,
      main?.volumeMounts?.some(({ name }) => name === 'firmware') ? 3 : 2,
    ),
  );
}
