import type { Paths } from './files.ts';

/** The times that tests may want otherwise than a cluster has them; seconds. */
export interface Timing {
  /** A node that has said nothing for so long becomes Unknown. Kubernetes: 50. */
  nodeGraceSeconds: number;
}

export const defaultTiming: Timing = { nodeGraceSeconds: 50 };

/** Not the cluster's real address: what a ServiceAccount's token says as its issuer and audience. */
const issuer = 'https://kubernetes.default.svc';

export function apiServerArguments(options: { etcdUrl: string; name: string; port: number; paths: Paths }): string[] {
  const { etcdUrl, name, port, paths } = options;
  return [
    `--etcd-servers=${etcdUrl}`,
    `--etcd-prefix=/${name}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${paths.server}`,
    `--tls-private-key-file=${paths.serverKey}`,
    `--client-ca-file=${paths.authority}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    `--service-account-issuer=${issuer}`,
    `--service-account-key-file=${paths.serviceAccounts}`,
    `--service-account-signing-key-file=${paths.serviceAccountsKey}`,
    `--audit-policy-file=${paths.auditPolicy}`,
    `--audit-log-path=${paths.auditLog}`,
    // Never begun anew in the middle of a run, as the default of 100 MB would.
    '--audit-log-maxsize=10000',
    // Each line is written before the request is answered: who has the answer can read the line.
    '--audit-log-mode=blocking',
    '--service-cluster-ip-range=10.96.0.0/16',
    // The Service `kubernetes` would point to loopback, which no Endpoints may.
    '--endpoint-reconciler-type=none',
    // Nobody here asks for so much that somebody else must wait; without it a start costs a quarter less.
    '--enable-priority-and-fairness=false',
    '--profiling=false',
    '--v=1',
  ];
}

export function controllerManagerArguments(paths: Paths, timing: Timing): string[] {
  return [
    `--kubeconfig=${paths.controllerManager}`,
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${paths.serviceAccountsKey}`,
    `--root-ca-file=${paths.authority}`,
    `--cluster-signing-cert-file=${paths.authority}`,
    `--cluster-signing-key-file=${paths.authorityKey}`,
    `--controllers=${controllers.join(',')}`,
    // For a cluster of thousands Kubernetes takes 20 and 10; the other kinds have few as it is.
    '--concurrent-gc-syncs=5',
    '--concurrent-namespace-syncs=5',
    `--node-monitor-grace-period=${timing.nodeGraceSeconds}s`,
    '--node-monitor-period=1s',
    // Nothing here may wait for the client's own limit: one cluster's controllers, one machine.
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    ...quietly,
  ];
}

export function schedulerArguments(paths: Paths): string[] {
  return [
    `--kubeconfig=${paths.scheduler}`,
    `--authentication-kubeconfig=${paths.scheduler}`,
    `--authorization-kubeconfig=${paths.scheduler}`,
    ...quietly,
  ];
}

/**
 * All that a cluster runs by itself, except what needs a cloud, volumes or metrics, and what serves kinds that nobody here
 * makes: each watches something, on every plane, all the time.
 */
const controllers = [
  '*',
  ...[
    'persistentvolume-attach-detach',
    'persistentvolume-binder',
    'persistentvolume-expander',
    'persistentvolume-protection',
    'persistentvolumeclaim-protection',
    'ephemeral-volume',
    'horizontal-pod-autoscaler',
    'certificatesigningrequest-approving',
    'certificatesigningrequest-cleaner',
    'certificatesigningrequest-signing',
    'cronjob',
    'disruption',
    'endpoints',
    'endpointslice',
    'endpointslice-mirroring',
    'legacy-serviceaccount-token-cleaner',
    'replicationcontroller',
    'resourcequota',
    'statefulset',
  ].map((name) => `-${name}-controller`),
];

/** One of each, reached by nobody. */
const quietly = ['--leader-elect=false', '--secure-port=0', '--profiling=false', '--v=1'];
