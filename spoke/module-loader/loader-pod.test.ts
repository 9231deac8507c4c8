import assert from 'node:assert/strict';
import type { Module } from '@open-cluster-management/api-types';
import { resolveMapping } from '../../shared/kernel/mapping.ts';
import { annotations, finalizers, labels } from '../../shared/kube/names.ts';
import type { Pod } from '../../shared/kube/object.ts';
import { workerSchema } from '../config.ts';
import { buildModule, kernelA, settings } from '../testing/builders.ts';
import { loaderDaemonSet, loaderName, unloadName } from './daemon-set.ts';
import { hashOf, type Loader } from './loader-pod.ts';
import { unloadPod } from './unload-pod.ts';

function loaderOf(module: Module, kernel = kernelA): Loader {
  const result = resolveMapping(module.spec.moduleLoader!.container, kernel, { name: 'simple', namespace: 'modules' });
  assert.equal(result.kind, 'match');
  return { module, settings, mapping: (result as Extract<typeof result, { kind: 'match' }>).mapping };
}

function podOf(module: Module, kernel = kernelA) {
  const { template } = loaderDaemonSet(loaderOf(module, kernel)).spec;
  const spec = template.spec!;
  return { template, spec, main: spec.containers[0]!, tools: spec.initContainers![0]! };
}

const withModprobe = (modprobe: object, rest: object = {}) => {
  const base = buildModule();
  const container = { ...base.spec.moduleLoader!.container, modprobe: { dirName: '/opt', ...modprobe }, ...rest };
  return buildModule({ moduleLoader: { container } as Module['spec']['moduleLoader'] });
};

describe('the loader DaemonSet', () => {
  it('is named after Module and kernel, labelled with both, and selects by the Module selector and the kernel [23] [26]', () => {
    const daemonSet = loaderDaemonSet(loaderOf(buildModule()));
    const identity = { [labels.moduleName]: 'simple', [labels.kernelVersion]: kernelA };
    assert.match(daemonSet.metadata.name, /^simple-[0-9a-f]{8}$/);
    assert.deepEqual(daemonSet.metadata.labels, identity);
    assert.deepEqual(daemonSet.spec.selector.matchLabels, identity);
    assert.deepEqual(daemonSet.spec.template.spec?.nodeSelector, { worker: '', [labels.kernelVersion]: kernelA });
  });

  it('is another one for another kernel or version, and the same one for the same', () => {
    const names = [
      loaderName({ name: 'a' }, 'k1'),
      loaderName({ name: 'a' }, 'k2'),
      loaderName({ name: 'a' }, 'k1', 'v'),
    ];
    assert.equal(new Set(names).size, 3);
    assert.equal(loaderName({ name: 'a' }, 'k1'), names[0]);
    // Equal label values, different kernels.
    assert.notEqual(loaderName({ name: 'a' }, 'k~1'), loaderName({ name: 'a' }, 'k_1'));
  });

  it('lets nobody but us replace its pods, and holds them until their outcome is read', () => {
    const daemonSet = loaderDaemonSet(loaderOf(buildModule()));
    assert.deepEqual(daemonSet.spec.updateStrategy, { type: 'OnDelete' });
    assert.deepEqual(daemonSet.spec.template.metadata?.finalizers, [finalizers.nodeLabeler]);
  });
});

describe('the loader pod', () => {
  it('runs as root with SYS_MODULE and spc_t, is critical, and sees all of /lib/modules read-only [28]', () => {
    const { spec, main } = podOf(buildModule());
    assert.deepEqual(main.securityContext, {
      runAsUser: 0,
      allowPrivilegeEscalation: false,
      capabilities: { add: ['SYS_MODULE'] },
      seLinuxOptions: { type: 'spc_t' },
    });
    assert.equal(spec.priorityClassName, 'system-node-critical');
    assert.equal(spec.terminationGracePeriodSeconds, 90);
    const mount = main.volumeMounts?.find(({ mountPath }) => mountPath === '/lib/modules');
    assert.equal(mount?.readOnly, true);
    assert.deepEqual(spec.volumes?.find(({ name }) => name === mount?.name)?.hostPath, {
      path: '/lib/modules',
      type: 'Directory',
    });
  });

  it('loads with the first command, unloads before it stops, and is asked whether it is ready [24] [25] [204]', () => {
    const { main, spec } = podOf(buildModule());
    const script = ['/kmm/busybox', 'sh', '/kmm/loader.sh'];
    assert.deepEqual(main.command, [...script, 'run', '-v', '-d', '/opt', 'simple_kmod']);
    assert.deepEqual(main.lifecycle?.preStop?.exec?.command, [...script, 'unload', '-rv', '-d', '/opt', 'simple_kmod']);
    assert.deepEqual(main.readinessProbe, {
      exec: { command: [...script, 'ready'] },
      periodSeconds: 5,
      timeoutSeconds: 10,
    });
    assert.equal(main.livenessProbe, undefined);
    assert.equal(main.startupProbe, undefined);
    assert.equal(spec.initContainers?.[0]?.image, settings.toolsImage);
    assert.equal(spec.initContainers?.[0]?.volumeMounts?.[0]?.mountPath, '/kmm');
  });

  it('passes on the pull secret, the pull policy and a service account [48] [49] [133]', () => {
    const base = buildModule();
    const container = { ...base.spec.moduleLoader!.container, imagePullPolicy: 'Always' };
    const { spec, main } = podOf(
      buildModule({ imageRepoSecret: { name: 'pull' }, moduleLoader: { container, serviceAccountName: 'own' } }),
    );
    assert.deepEqual(spec.imagePullSecrets, [{ name: 'pull' }]);
    assert.equal(main.imagePullPolicy, 'Always');
    assert.equal(spec.serviceAccountName, 'own');
  });

  it('runs under the account that is given, in our own namespace too [133]', () => {
    const { moduleLoader } = buildModule().spec;
    const spec = { moduleLoader: { ...moduleLoader!, serviceAccountName: 'own' } };
    assert.equal(podOf(buildModule(spec, { namespace: 'openshift-kmm' })).spec.serviceAccountName, 'own');
  });

  it('runs under our own account in our own namespace, else under the default one [134] [135]', () => {
    assert.equal(
      podOf(buildModule({}, { namespace: 'openshift-kmm' })).spec.serviceAccountName,
      'kmm-operator-module-loader',
    );
    assert.equal(podOf(buildModule()).spec.serviceAccountName, undefined);
  });

  it('tells the script all it needs by its environment, and nothing by the shell line', () => {
    const module = withModprobe(
      { moduleName: 'a', modulesLoadingOrder: ['a', 'b'], firmwarePath: '/fw' },
      { inTreeModulesToRemove: ['x', 'y'] },
    );
    const environment = Object.fromEntries(podOf(module).main.env!.map(({ name, value }) => [name, value]));
    assert.deepEqual(environment, {
      KMM_MODULE: 'modules.simple',
      KMM_HASH: hashOf(loaderOf(module)),
      KMM_KERNEL: kernelA,
      KMM_DIR: '/opt',
      KMM_MODULE_NAME: 'a',
      KMM_ORDER: 'a b',
      KMM_IN_TREE: 'x y',
      KMM_FIRMWARE: '/fw',
    });
  });

  it('mounts the softdep file from its annotation when there is a loading order [33] [34]', () => {
    const { template, spec, main } = podOf(withModprobe({ moduleName: 'a', modulesLoadingOrder: ['a', 'b'] }));
    assert.equal(template.metadata?.annotations?.[annotations.modulesOrder], 'softdep a pre: b\n');
    const mount = main.volumeMounts?.find(({ mountPath }) => mountPath === '/etc/modprobe.d/softdep.conf');
    assert.equal(mount?.subPath, 'softdep.conf');
    const volume = spec.volumes?.find(({ name }) => name === mount?.name);
    assert.equal(
      volume?.downwardAPI?.items?.[0]?.fieldRef?.fieldPath,
      "metadata.annotations['kmm.node.kubernetes.io/modules-order']",
    );
  });

  it('mounts the firmware folder only with firmware, and no softdep file without an order', () => {
    const paths = (module: Module) => podOf(module).main.volumeMounts?.map(({ mountPath }) => mountPath);
    assert.deepEqual(paths(buildModule()), ['/kmm', '/lib/modules', '/run/kmm']);
    assert.ok(paths(withModprobe({ moduleName: 'a', firmwarePath: '/fw' }))?.includes('/var/lib/firmware'));
  });
});

describe('the worker settings', () => {
  const withFirmware = withModprobe({ moduleName: 'a', firmwarePath: '/fw' });
  const plain = withModprobe({ moduleName: 'a' });
  const loaderWith = (module: Module, worker: object): Loader => ({
    ...loaderOf(module),
    settings: { ...settings, worker: workerSchema.parse(worker) },
  });
  /** The loader pod and the pod that unloads what it loaded. */
  const podsWith = (module: Module, worker: object) => {
    const { template } = loaderDaemonSet(loaderWith(module, worker)).spec;
    const metadata = { ...template.metadata, name: 'l', namespace: 'modules', uid: 'u1' };
    const loader = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...template.spec, nodeName: 'n1' } } as Pod;
    return [loader, unloadPod(loader)];
  };
  const hostPathOf = (pod: Pod | undefined) =>
    pod?.spec.volumes?.find(({ name }) => name === 'firmware')?.hostPath?.path;

  it('say as whom and with which SELinux type the node is worked on [196]', () => {
    for (const pod of podsWith(plain, { runAsUser: 1001, seLinuxType: 'kmm_t' })) {
      const context = pod.spec.containers[0]?.securityContext;
      assert.deepEqual([context?.runAsUser, context?.seLinuxOptions], [1001, { type: 'kmm_t' }]);
    }
    const worker = { runAsUser: 1001, seLinuxType: 'kmm_t' };
    assert.equal(hashOf(loaderWith(plain, worker)), hashOf(loaderWith(plain, {})), 'nothing is loaded anew for it');
  });

  it('say where firmware goes on the node, and that the kernel is to look there [60] [196]', () => {
    const [loader, unloader] = podsWith(withFirmware, { firmwareHostPath: '/opt/firmware' });
    assert.deepEqual([hostPathOf(loader), hostPathOf(unloader)], ['/opt/firmware', '/opt/firmware']);
    const [container] = loader?.spec.containers ?? [];
    assert.ok(
      container?.env?.some(({ name, value }) => name === 'KMM_FIRMWARE_SEARCH_PATH' && value === '/opt/firmware'),
    );
    assert.equal(container?.securityContext?.privileged, true);
    const other = hashOf(loaderWith(withFirmware, { firmwareHostPath: '/opt/firmware' }));
    assert.notEqual(other, hashOf(loaderWith(withFirmware, {})), 'another place is another load');
  });

  it('change nothing of a loader without firmware, and of none where they say nothing [58]', () => {
    const said = { firmwareHostPath: '/opt/firmware' };
    assert.deepEqual(loaderDaemonSet(loaderWith(plain, said)), loaderDaemonSet(loaderOf(plain)));
    const [loader] = podsWith(withFirmware, {});
    assert.equal(hostPathOf(loader), '/var/lib/firmware');
    assert.equal(loader?.spec.containers[0]?.securityContext?.privileged, undefined);
  });

  for (const [key, value] of [
    ['firmwareHostPath', 'relative'],
    ['firmwareHostPath', '/'],
    ['firmwareHostPath', '/a/../b'],
    ['firmwareHostPath', '/a b'],
    ['firmwareHostPath', '/a\n'],
    ['seLinuxType', ''],
    ['runAsUser', -1],
  ] as const)
    it(`are refused with ${key} ${JSON.stringify(value)}`, () =>
      assert.equal(workerSchema.safeParse({ [key]: value }).success, false));
});

describe('the one-shot unload pod', () => {
  const { template } = loaderDaemonSet(
    loaderOf(withModprobe({ moduleName: 'a', modulesLoadingOrder: ['a', 'b'] })),
  ).spec;
  const loader = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name: 'simple-1-x', namespace: 'modules', uid: 'u1' },
    spec: {
      ...template.spec,
      nodeName: 'n1',
      serviceAccountName: 'own',
      volumes: [...template.spec!.volumes!, { name: 'injected', emptyDir: {} }],
    },
  } as Pod;
  const pod = unloadPod(loader);

  it('runs on the same node whatever its taints, with the image, mounts and arguments that loaded', () => {
    const main = pod.spec.containers[0]!;
    const loading = template.spec!.containers[0]!;
    assert.equal(pod.spec.nodeName, 'n1');
    assert.deepEqual(pod.spec.tolerations, [{ operator: 'Exists' }]);
    assert.equal(pod.spec.restartPolicy, 'OnFailure');
    assert.equal(pod.spec.priorityClassName, 'system-node-critical');
    assert.equal(main.image, loading.image);
    assert.deepEqual(main.env, loading.env);
    assert.deepEqual(main.volumeMounts, loading.volumeMounts);
    assert.deepEqual(main.command, [
      '/kmm/busybox',
      'sh',
      '/kmm/loader.sh',
      'unload-any',
      '-rv',
      '-d',
      '/opt',
      'a',
      'b',
    ]);
    assert.equal(main.lifecycle, undefined);
    assert.equal(main.readinessProbe, undefined);
    assert.equal(pod.metadata.annotations?.[annotations.modulesOrder], 'softdep a pre: b\n');
  });

  it('looks first, by our own image alone, whether there is anything to unload', () => {
    const [tools] = pod.spec.initContainers!;
    assert.equal(tools?.image, settings.toolsImage);
    assert.match(tools?.command?.at(-1) ?? '', /install\.sh"\nset -- look\n.*loader\.sh"$/);
    assert.deepEqual(tools?.env, template.spec!.containers[0]!.env);
    assert.deepEqual(
      tools?.volumeMounts?.map(({ mountPath }) => mountPath),
      ['/kmm', '/run/kmm'],
    );
  });

  it('is named by namespace, Module and node, matches no DaemonSet, and leaves out what was injected', () => {
    assert.equal(pod.metadata.name, unloadName({ namespace: 'modules', name: 'simple' }, 'n1'));
    assert.notEqual(pod.metadata.name, unloadName({ namespace: 'modules', name: 'simple' }, 'n2'));
    assert.equal(pod.metadata.labels?.[labels.kernelVersion], undefined);
    assert.equal(pod.metadata.finalizers, undefined);
    assert.ok(!pod.spec.volumes?.some(({ name }) => name === 'injected'));
  });
});
