import type { Module } from '@open-cluster-management/api-types';
import type { ImageState } from '../../shared/images/look-up.ts';
import type { CacheView } from '../../shared/kube/cache.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { Source } from '../../shared/kube/controller.ts';
import type { EventRecorder } from '../../shared/kube/events.ts';
import { objectKey, parseKey } from '../../shared/kube/object.ts';
import type { Runtime } from '../../shared/kube/runtime.ts';
import type { MakingConfig } from '../../shared/making/settings.ts';
import type { ImagesConfig } from '../../shared/process/builds-config.ts';
import type { Makers } from './makers.ts';
import { NamespaceImages } from './namespace-images.ts';
import { makingRefusal } from './permission.ts';
import { tokenOf, tokenOwner } from './tokens.ts';
import { type KnownImage, makesImages, type WantedImage } from './wanted.ts';

export interface ModuleImagesOptions {
  client: KubeClient;
  runtime: Runtime;
  modules: CacheView<Module>;
  events: Pick<EventRecorder, 'record'>;
  operatorNamespace: string;
  config: ImagesConfig & MakingConfig;
  /** PEM certificates that registries are trusted with, beside the system's. */
  registryCa?: string | undefined;
  signal: AbortSignal;
}

/**
 * The images that Modules of this cluster want to be made here: one making a namespace, with what that namespace holds, and
 * only where its admin allows it. What makes is loaded with the first of them: most clusters make nothing.
 */
export class ModuleImages {
  readonly #options: ModuleImagesOptions;
  readonly #namespaces = new Map<string, NamespaceImages>();
  /** Module → kernel → what it wants. */
  readonly #wanted = new Map<string, ReadonlyMap<string, WantedImage>>();
  /** Modules that have said what they want; undefined: all have. */
  #heard: Set<string> | undefined = new Set();
  #makers: Promise<Makers> | undefined;
  #wake: (module: string) => void = () => undefined;

  constructor(options: ModuleImagesOptions) {
    this.#options = options;
  }

  /** Wakes a Module when the state of an image of its changed. */
  readonly source: Source = {
    whenSynced: () => Promise.resolve(),
    attach: (enqueue) => {
      this.#wake = enqueue;
    },
  };

  /** Replaces what the Module with this key wants. Cost: nothing for one that wants, and wanted, nothing. */
  want(module: string, images: readonly WantedImage[]): void {
    if (images.length > 0 || this.#wanted.has(module)) this.#replace(module, images);
    if (this.#heard === undefined) return;
    this.#heard.add(module);
    // The last one that was waited for.
    if (this.#makers !== undefined && this.#isComplete()) void this.#makers.then((makers) => makers.freed());
  }

  known(module: string): ReadonlyMap<string, KnownImage> {
    const at = this.#namespaces.get(parseKey(module).namespace ?? '');
    const wanted = [...(this.#wanted.get(module) ?? [])];
    return new Map(
      wanted.map(([kernel, image]) => {
        const state: ImageState = at?.state(image) ?? { state: 'Checking' };
        return [kernel, { wanted: image, state, hasJobs: at?.hasJobs(image) ?? false }];
      }),
    );
  }

  /** Resolves after `signal` aborted and all is closed. */
  async stopped(): Promise<void> {
    await Promise.all([...this.#namespaces.values()].map(({ ended }) => ended));
    await (await this.#makers)?.close();
  }

  #replace(module: string, images: readonly WantedImage[]): void {
    const { namespace = '' } = parseKey(module);
    const before = this.#wanted.get(module);
    const wanted = new Map(images.map((image) => [image.kernel, image]));
    if (wanted.size === 0) this.#wanted.delete(module);
    else this.#wanted.set(module, wanted);
    for (const kernel of before?.keys() ?? []) {
      if (!wanted.has(kernel)) this.#namespaces.get(namespace)?.forget(tokenOf(module, kernel));
    }
    for (const [kernel, image] of wanted) this.#of(namespace).want(tokenOf(module, kernel), image);
  }

  /** All that may have Jobs from before are known: nothing is begun beside them unseen. */
  #isComplete(): boolean {
    const heard = this.#heard;
    if (heard === undefined) return true;
    const { modules } = this.#options;
    if (!modules.synced || modules.list().some((each) => makesImages(each) && !heard.has(objectKey(each))))
      return false;
    this.#heard = undefined;
    return true;
  }

  #of(namespace: string): NamespaceImages {
    const present = this.#namespaces.get(namespace);
    if (present !== undefined) return present;
    const { client, runtime, operatorNamespace, signal } = this.#options;
    const begun = new NamespaceImages({
      runtime: { ...runtime, log: runtime.log.child({ namespace }) },
      signal,
      refusal: () => makingRefusal({ client, namespace, operatorNamespace }),
      open: async () => (await this.#load()).open(namespace),
      onChange: (tokens) => this.#wakeAll(tokens),
    });
    this.#namespaces.set(namespace, begun);
    void begun.ended.then(() => this.#again(namespace, begun));
    return begun;
  }

  /** Closed, and wanted again in the last moment. */
  #again(namespace: string, ended: NamespaceImages): void {
    if (this.#namespaces.get(namespace) !== ended || this.#options.signal.aborted) return;
    this.#namespaces.delete(namespace);
    for (const [module, wanted] of this.#wanted) {
      if (parseKey(module).namespace === namespace) this.want(module, [...wanted.values()]);
    }
  }

  #wakeAll(tokens: readonly string[]): void {
    for (const module of new Set(tokens.map((token) => tokenOwner(token).module))) this.#wake(module);
  }

  #load(): Promise<Makers> {
    const { signal: _, ...options } = this.#options;
    this.#makers ??= import('./makers.ts').then(({ Makers: Loaded }) => {
      return new Loaded({
        ...options,
        isComplete: () => this.#isComplete(),
        onChange: (tokens) => this.#wakeAll(tokens),
      });
    });
    return this.#makers;
  }
}
