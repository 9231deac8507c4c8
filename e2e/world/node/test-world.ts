import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { scaledClock, systemClock } from '../../../shared/core/clock.ts';
import { silentLog } from '../../../shared/core/log.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Pod, Secret } from '../../../shared/kube/object.ts';
import { pods, secrets } from '../../../shared/kube/resources.ts';
import { type Runtime, silentMeters } from '../../../shared/kube/runtime.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { startApiServer } from '../api-server/server.ts';
import { eventually } from '../eventually.ts';
import { buildImage, type LayerEntry, type OciImage } from '../registry/oci-image.ts';
import { pushImage } from '../registry/push.ts';
import { type Registry, startRegistry } from '../registry/server.ts';
import { type NodeOptions, startNode, type WorldNode } from './node.ts';

/** One API server, one registry and one node, for the tests of the node. */
export interface TestWorld {
  readonly client: KubeClient;
  readonly runtime: Runtime;
  readonly registry: Registry;
  readonly node: WorldNode;
  /** An image that has a shell, and nothing else. */
  readonly shellImage: string;
  /** Pushes an image of a shell and these files; returns its name. */
  push(repository: string, entries: readonly LayerEntry[]): Promise<string>;
  pushImage(repository: string, image: OciImage): Promise<string>;
  createPod(spec: Partial<Pod['spec']>, metadata?: Partial<Pod['metadata']>): Promise<Pod>;
  /** Waits until the pod is as `looks` says, and returns it; the message shows its status. */
  podUntil(name: string, expected: string, looks: (pod: Pod) => boolean): Promise<Pod>;
  readPod(name: string): Promise<Pod | undefined>;
  stop(): Promise<void>;
}

export const timeFactor = 20;
export const namespace = 'default';
/** The pull Secret that each pod of `createPod` names. */
export const pullSecret = 'pull';
const login = { user: 'puller', password: 'open sesame' };

const shellEntry: LayerEntry = { path: '/bin/sh', content: '#!/bin/sh\nexec /bin/sh "$@"\n', mode: 0o755 };

export async function startTestWorld(overrides: Partial<NodeOptions> = {}): Promise<TestWorld> {
  const clock = scaledClock(systemClock, timeFactor);
  const runtime: Runtime = { clock, random: seededRandom(), log: silentLog, meters: silentMeters };
  const server = await startApiServer({ clock, name: 'spoke' });
  const registry = await startRegistry({ clock, users: { [login.user]: login.password } });
  const client = createKubeClient({ kubeconfig: { text: server.kubeconfig() } });
  const folder = await mkdtemp(`${tmpdir()}/kmm-node-`);
  const node = await startNode({
    client,
    admin: client,
    runtime,
    name: 'n1',
    kernel: { release: '5.14.0-1.el9.x86_64' },
    registry: { caPem: registry.caPem },
    folder,
    timeFactor,
    ...overrides,
  });
  const pushOci = async (repository: string, image: OciImage) =>
    (await pushImage(registry, { repository, tag: 'v1', login }, image)).name;
  const push = async (repository: string, entries: readonly LayerEntry[]) =>
    pushOci(repository, await buildImage({ layers: [[shellEntry], entries] }));
  await client.create(secrets, secretFor(registry.host));
  const readPod = (name: string) => client.get(pods, { namespace, name });
  return {
    client,
    runtime,
    registry,
    node,
    shellImage: await push('shell', []),
    push,
    pushImage: pushOci,
    readPod,
    createPod: (spec, metadata = {}) =>
      client.create(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace, name: 'p', ...metadata },
        spec: { nodeName: 'n1', containers: [], imagePullSecrets: [{ name: pullSecret }], ...spec },
      }),
    podUntil: (name, expected, looks) =>
      eventually(`pod ${name} ${expected}`, async () => {
        const pod = await readPod(name);
        if (pod && looks(pod)) return pod;
        throw new Error(JSON.stringify(pod?.status ?? 'no such pod'));
      }),
    stop: async () => {
      await node.stop();
      await client.close();
      await server.stop();
      await registry.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The same boot ids in each run (Lehmer's generator). */
function seededRandom(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function secretFor(host: string): Secret {
  const config = { auths: { [host]: { username: login.user, password: login.password } } };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: pullSecret },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify(config)).toString('base64') },
  };
}

/** Whether the pod's Ready condition is True. */
export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}
