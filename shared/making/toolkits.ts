import { type ImageStream, imageStreams, toolkitStream } from '../build/openshift-kinds.ts';
import { type Toolkit, toolkitImage, toolkitTableName } from '../build/toolkit.ts';
import { type AnyCache, Cache } from '../kube/cache.ts';
import type { KubeClient } from '../kube/client.ts';
import { type Source, watching } from '../kube/controller.ts';
import type { ConfigMap, KubeObject, Node } from '../kube/object.ts';
import { configMaps, nodes } from '../kube/resources.ts';
import type { Runtime } from '../kube/runtime.ts';
import { type LateCache, late } from './on-openshift.ts';

export interface ToolkitsOptions {
  client: KubeClient;
  runtime: Runtime;
  /** Of the admin's table. */
  namespace: string;
  /** Whether OpenShift's ImageStream is there, and the nodes may be read, as far as that is known now; undefined: never. */
  isOnOpenShift?: (() => boolean) | undefined;
}

/** Which images compile for which kernels: by the admin's table; on OpenShift also by its own images for the OS of the nodes here. */
export class Toolkits {
  readonly #table: Cache<ConfigMap>;
  readonly #openShift: { nodes: Cache<Node>; streams: Cache<ImageStream> } | undefined;
  readonly #isOnOpenShift: () => boolean;
  readonly #namespace: string;

  constructor({ client, runtime, namespace, isOnOpenShift }: ToolkitsOptions) {
    const base = { client, runtime };
    const named = (name: string) => ({ fieldSelector: `metadata.name=${name}` });
    this.#namespace = namespace;
    this.#table = new Cache({ ...base, resource: configMaps, namespace, ...named(toolkitTableName) });
    this.#isOnOpenShift = isOnOpenShift ?? (() => false);
    if (isOnOpenShift === undefined) return;
    const { namespace: of, name } = toolkitStream;
    this.#openShift = {
      nodes: new Cache({ ...base, resource: nodes, slim: slimNode }),
      streams: new Cache({ ...base, resource: imageStreams, namespace: of, ...named(name), slim: slimStream }),
    };
  }

  get caches(): AnyCache[] {
    return [this.#table];
  }

  /** To be started once it is known that this is OpenShift. */
  get openShiftCaches(): LateCache[] {
    return Object.values(this.#openShift ?? {});
  }

  /** Cost: a pass over the nodes of this cluster, for a kernel that is not in the table. */
  imageFor(kernel: string): Toolkit {
    const table = this.#table.get({ namespace: this.#namespace, name: toolkitTableName })?.data;
    const openShift = this.#isOnOpenShift() ? this.#openShift : undefined;
    const machines = openShift?.nodes.list().flatMap(({ status }) => status?.nodeInfo ?? []);
    const tags = openShift?.streams.list().flatMap(tagsOf);
    return toolkitImage(kernel, { table, nodes: machines, tags });
  }

  /** What wakes those whose toolkit may be another one now: any image that is not there yet. */
  sources(concerned: () => Iterable<string>): Source[] {
    const all: Source[] = [watching(this.#table, concerned)];
    if (this.#openShift === undefined) return all;
    const { nodes: machines, streams } = this.#openShift;
    all.push(late(watching(streams, concerned)));
    // Kubelet tells of itself every few minutes, the same mostly.
    all.push(late(watching(machines, ({ previous, current }) => (isAlike(previous, current) ? [] : concerned()))));
    return all;
  }
}

function tagsOf({ spec }: ImageStream): { name: string; image: string }[] {
  return (spec?.tags ?? []).flatMap(({ name, from }) => (name && from?.name ? [{ name, image: from.name }] : []));
}

function isAlike(one: Node | undefined, other: Node | undefined): boolean {
  const [a, b] = [one?.status?.nodeInfo, other?.status?.nodeInfo];
  return a?.kernelVersion === b?.kernelVersion && a?.osImage === b?.osImage;
}

/** A node says a lot. */
function slimNode({ apiVersion, kind, metadata, status }: Node): Node {
  const { kernelVersion = '', osImage = '' } = status?.nodeInfo ?? {};
  const nodeInfo = { kernelVersion, osImage } as NonNullable<NonNullable<Node['status']>['nodeInfo']>;
  return { apiVersion, kind, metadata: identityOf(metadata), status: { nodeInfo } };
}

/** Its status has the history of every tag. */
function slimStream({ apiVersion, kind, metadata, spec }: ImageStream): ImageStream {
  const tags = (spec?.tags ?? []).map(({ name, from }) => ({
    ...(name && { name }),
    ...(from?.name && { from: { name: from.name } }),
  }));
  return { apiVersion, kind, metadata: identityOf(metadata), spec: { tags } };
}

function identityOf({ name, namespace, uid, resourceVersion }: KubeObject['metadata']): KubeObject['metadata'] {
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
}
