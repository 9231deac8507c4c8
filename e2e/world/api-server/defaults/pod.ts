import { isRecord } from '../../../../shared/core/record.ts';
import { setDefaults } from './set-defaults.ts';

/**
 * What Kubernetes fills into a pod's spec, or into the template of one: what a writer must not take for a difference.
 * `template` and pod differ in the parts that admission adds.
 */
export function defaultPodSpec(spec: unknown): void {
  if (!isRecord(spec)) return;
  setDefaults(spec, {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    terminationGracePeriodSeconds: 30,
    securityContext: {},
  });
  if (typeof spec['serviceAccountName'] === 'string') spec['serviceAccount'] ??= spec['serviceAccountName'];
  for (const field of ['containers', 'initContainers'])
    for (const container of records(spec[field])) defaultContainer(container);
  for (const volume of records(spec['volumes'])) defaultVolume(volume);
}

/** The admission plug-ins ServiceAccount, Priority and DefaultTolerationSeconds; volumes of tokens are left out. */
export function admitPodSpec(spec: unknown): void {
  if (!isRecord(spec)) return;
  setDefaults(spec, {
    serviceAccountName: 'default',
    enableServiceLinks: true,
    preemptionPolicy: 'PreemptLowerPriority',
    priority: spec['priorityClassName'] === 'system-node-critical' ? 2_000_001_000 : 0,
  });
  spec['serviceAccount'] ??= spec['serviceAccountName'];
  const tolerations = records(spec['tolerations']);
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const tolerated = tolerations.some(
      (toleration) =>
        (toleration['key'] === key || !toleration['key']) &&
        (!toleration['effect'] || toleration['effect'] === 'NoExecute'),
    );
    if (!tolerated) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
  }
  spec['tolerations'] = tolerations;
}

function defaultContainer(container: Record<string, unknown>): void {
  const image = typeof container['image'] === 'string' ? container['image'] : '';
  setDefaults(container, {
    imagePullPolicy: isLatest(image) ? 'Always' : 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    resources: {},
  });
  for (const probe of ['readinessProbe', 'livenessProbe', 'startupProbe']) {
    const value = container[probe];
    if (!isRecord(value)) continue;
    setDefaults(value, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  }
  for (const port of records(container['ports'])) setDefaults(port, { protocol: 'TCP' });
  for (const variable of records(container['env'])) {
    const source = variable['valueFrom'];
    const field = isRecord(source) ? source['fieldRef'] : undefined;
    if (isRecord(field)) setDefaults(field, { apiVersion: 'v1' });
  }
}

function isLatest(image: string): boolean {
  const name = image.slice(image.lastIndexOf('/') + 1);
  return !image.includes('@') && (!name.includes(':') || name.endsWith(':latest'));
}

const modes: Readonly<Record<string, number>> = { secret: 420, configMap: 420, downwardAPI: 420, projected: 420 };

function defaultVolume(volume: Record<string, unknown>): void {
  for (const [name, defaultMode] of Object.entries(modes)) {
    const source = volume[name];
    if (isRecord(source)) setDefaults(source, { defaultMode });
  }
  const { hostPath, downwardAPI } = volume;
  if (isRecord(hostPath)) setDefaults(hostPath, { type: '' });
  for (const item of isRecord(downwardAPI) ? records(downwardAPI['items']) : []) {
    if (isRecord(item['fieldRef'])) setDefaults(item['fieldRef'], { apiVersion: 'v1' });
  }
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
