import type { LookUpSources } from '../../shared/images/look-up.ts';
import { programRegistry } from '../../shared/images/program-registry.ts';
import { labels } from '../../shared/kube/names.ts';
import { parseKey } from '../../shared/kube/object.ts';
import { ownerOf } from '../../shared/kube/ownership.ts';
import { secrets } from '../../shared/kube/resources.ts';
import { controllerReference } from '../../shared/kube/write.ts';
import { imageVerifier } from '../../shared/making/image-verifier.ts';
import { imageKey } from '../../shared/making/image-wants.ts';
import { imageHash, jobIndex } from '../../shared/making/job-shelf.ts';
import { MakingEvents } from '../../shared/making/making-events.ts';
import { MakingMeters } from '../../shared/making/making-meters.ts';
import type { PresentMaker } from '../../shared/making/orders.ts';
import { Places } from '../../shared/making/places.ts';
import { makingSettings } from '../../shared/making/settings.ts';
import { startableMaking } from '../../shared/making/start.ts';
import type { Verify } from '../../shared/making/verdicts.ts';
import type { RegistryClient } from '../../shared/registry/client.ts';
import { isTerminating } from '../pods.ts';
import type { ModuleImagesOptions } from './module-images.ts';
import type { OpenMaking } from './namespace-images.ts';
import { SigningKeys } from './signing-keys.ts';
import { tokenOwner } from './tokens.ts';

export interface MakersOptions extends Omit<ModuleImagesOptions, 'signal' | 'operatorNamespace'> {
  /** All Modules have said what they want. */
  isComplete: () => boolean;
  onChange: (tokens: readonly string[]) => void;
}

/** What the makings of all namespaces share: the registry's client, the places for Jobs, events and meters. */
export class Makers {
  readonly #options: MakersOptions;
  readonly #registry: RegistryClient;
  readonly #lookUp: LookUpSources;
  readonly #verify: Verify;
  readonly #places: Places;
  readonly #told: MakingEvents;

  constructor(options: MakersOptions) {
    const { client, config, runtime, registryCa, events, isComplete } = options;
    this.#options = options;
    this.#registry = programRegistry({ runtime, config: config.registry, extraCa: registryCa });
    const readSecret = (namespace: string, name: string) => client.get(secrets, { namespace, name });
    const lookUp = { registry: this.#registry, readSecret, strictSecrets: config.strictSecrets };
    this.#lookUp = lookUp;
    this.#verify = imageVerifier({ ...lookUp, clock: runtime.clock, concurrency: config.registry.concurrency });
    this.#places = new Places(config.builds.concurrency, isComplete);
    const meters = new MakingMeters(runtime.meters);
    this.#told = new MakingEvents({ events, meters, regarding: (token) => this.#moduleOf(token) });
  }

  /** Begins to make images in the namespace. */
  open(namespace: string): OpenMaking {
    const { client, runtime, config, modules, onChange, isComplete } = this.#options;
    const signingKeys = new SigningKeys(() =>
      modules.list().filter(({ metadata }) => metadata.namespace === namespace),
    );
    const { making, jobs, caches, start, stop } = startableMaking({
      client,
      runtime,
      namespace,
      lookUp: this.#lookUp,
      verify: this.#verify,
      settings: makingSettings(config),
      places: this.#places,
      makerLabel: labels.moduleName,
      makerOf: (token) => this.#makerOf(token),
      signerWith: (secret) => signingKeys.signerWith(secret),
      told: this.#told,
      onChange,
      isSettled: () => isComplete() && caches.every((cache) => cache.synced),
    });
    const closing = new AbortController();
    const running = start(closing.signal);
    for (const cache of caches) cache.start(closing.signal);
    return {
      want: (token, { request, generation }) => making.want(token, [request], generation),
      forget: (token) => making.forget(token),
      state: ({ request, generation }) => making.state(request, generation),
      hasJobs: ({ request }) =>
        jobs.some((cache) => cache.byIndex(jobIndex, imageHash(imageKey(request.image))).length > 0),
      isIdle: () => jobs.every((cache) => cache.synced && cache.list().length === 0),
      async close() {
        closing.abort();
        await Promise.all([running.stopped, ...caches.map(({ stopped }) => stopped)]);
        stop();
      },
    };
  }

  /** There may be places that there were not. */
  freed(): void {
    this.#places.freed();
  }

  close(): Promise<void> {
    return this.#registry.close();
  }

  #moduleOf(token: string) {
    return this.#options.modules.get(parseKey(tokenOwner(token).module));
  }

  #makerOf(token: string): PresentMaker | undefined {
    const module = this.#moduleOf(token);
    if (module === undefined || isTerminating(module)) return undefined;
    const { selector, tolerations } = module.spec;
    const owner = controllerReference(ownerOf(module));
    const placement = { moduleSelector: selector, tolerations: tolerations as PresentTolerations };
    return { name: module.metadata.name, label: labels.moduleName, owner, isCurrent: true, placement };
  }
}

type PresentTolerations = NonNullable<PresentMaker['placement']>['tolerations'];
