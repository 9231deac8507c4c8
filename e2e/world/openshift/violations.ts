import type { Pod } from '../../../shared/kube/object.ts';

type Container = Pod['spec']['containers'][number];

/** What OpenShift's `restricted-v2`, which everybody may use, lets into a pod. */
const allowedVolumes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];
const allowedCapability = 'NET_BIND_SERVICE';

/** What of the pod `restricted-v2` does not allow, a line each in OpenShift's manner; none for a pod that needs no privileges. */
export function violationsOf({ spec }: Pod): string[] {
  const { initContainers = [], containers } = spec;
  return [
    ...hostOf(spec),
    ...(spec.volumes ?? []).flatMap((volume, index) =>
      Object.keys(volume)
        .filter((key) => key !== 'name' && !allowedVolumes.includes(key))
        .map((type) => invalid(`.spec.volumes[${index}]`, type, `${type} volumes are not allowed to be used`)),
    ),
    ...identityOf('.spec.securityContext', spec.securityContext),
    ...initContainers.flatMap((container, index) => ofContainer(`.initContainers[${index}]`, container)),
    ...containers.flatMap((container, index) => ofContainer(`.containers[${index}]`, container)),
  ];
}

function hostOf({ hostNetwork, hostPID, hostIPC }: Pod['spec']): string[] {
  const fields = {
    hostNetwork: ['Host network', hostNetwork],
    hostPID: ['Host PID', hostPID],
    hostIPC: ['Host IPC', hostIPC],
  };
  return Object.entries(fields)
    .filter(([, [, value]]) => value === true)
    .map(([field, [what]]) => invalid(`.spec.securityContext.${field}`, true, `${what} is not allowed to be used`));
}

function ofContainer(at: string, { securityContext, ports = [] }: Container): string[] {
  const { privileged, allowPrivilegeEscalation, capabilities } = securityContext ?? {};
  return [
    ...identityOf(at, securityContext),
    ...(privileged ? [invalid(`${at}.privileged`, true, 'Privileged containers are not allowed')] : []),
    ...(allowPrivilegeEscalation
      ? [invalid(`${at}.allowPrivilegeEscalation`, true, 'Allowing privilege escalation for containers is not allowed')]
      : []),
    ...(capabilities?.add ?? [])
      .filter((capability) => capability !== allowedCapability)
      .map((capability) => invalid(`${at}.capabilities.add`, capability, 'capability may not be added')),
    ...ports
      .filter(({ hostPort = 0 }) => hostPort > 0)
      .map(({ hostPort }) => invalid(`${at}.hostPort`, hostPort, 'Host ports are not allowed to be used')),
  ];
}

/** OpenShift gives each namespace its own uids and SELinux level. Ours has none: any uid but root's passes. */
function identityOf(
  at: string,
  context: { runAsUser?: number; seLinuxOptions?: { type?: string } } | undefined,
): string[] {
  const { runAsUser, seLinuxOptions } = context ?? {};
  return [
    ...(runAsUser === 0 ? [invalid(`${at}.runAsUser`, 0, "must be in the namespace's range")] : []),
    ...(seLinuxOptions?.type ? [invalid(`${at}.seLinuxOptions.type`, seLinuxOptions.type, 'must be empty')] : []),
  ];
}

function invalid(field: string, value: unknown, why: string): string {
  return `provider restricted-v2: ${field}: Invalid value: ${JSON.stringify(value)}: ${why}`;
}
