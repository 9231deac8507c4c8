import { unreachable } from '../core/assert.ts';
import { after, done, type Outcome } from '../core/outcome.ts';
import type { ImageChecks } from '../images/checks.ts';
import type { ImageRequest, ImageState } from '../images/look-up.ts';
import type { CacheView } from '../kube/cache.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Pod } from '../kube/object.ts';
import type { Runtime } from '../kube/runtime.ts';
import { beginStep } from './begin-step.ts';
import { CondemnedImages } from './condemned-images.ts';
import { decide } from './decide.ts';
import type { Foreign } from './foreign-job.ts';
import { gather } from './gather.ts';
import { ImageWants, imageKey } from './image-wants.ts';
import { JobShelf } from './job-shelf.ts';
import type { MakingObject } from './job-view.ts';
import { Looks } from './looks.ts';
import { MakingMemory } from './making-memory.ts';
import { makingReasons } from './making-reasons.ts';
import { MakingStates } from './making-states.ts';
import { noteResult } from './notes.ts';
import { type MakerOf, type Ordered, ordered, orderOf } from './orders.ts';
import type { MakingAction, MakingDecision, MakingPicture, Step } from './picture.ts';
import type { Places, PlacesUser } from './places.ts';
import { giveUp, remove } from './removal.ts';
import type { Told } from './told.ts';
import { expectationOf, type Verify } from './verdicts.ts';
import type { Workshop } from './workshop.ts';

export interface ImageMakingOptions {
  client: KubeClient;
  runtime: Runtime;
  /** Where images are made. */
  namespace: string;
  checks: ImageChecks;
  /** Jobs, and Builds where there are any. */
  jobs: readonly CacheView<MakingObject>[];
  /** Of those Jobs, by `podIndex`: without them nothing is said of pods that do not start. */
  pods?: readonly Pick<CacheView<Pod>, 'byIndex'>[];
  /** `builds.timeout`: so long a Build may have no pod that starts. */
  buildTimeoutMs: number;
  workshop: Workshop;
  /** For Jobs, over all images. */
  places: Places;
  keepFinishedMs: number;
  /** In whose name; undefined: the module is gone. `isCurrent`: of the version that it has now, which says how the image is made. */
  makerOf: MakerOf;
  told: Told;
  verify: Verify;
  /** Before, it is not known what is wanted. */
  isSettled: () => boolean;
  /** Has an image looked at by the controller. */
  look: (image: string) => void;
  /** Called after a state changed, with all who want that image. */
  onChange: (wantedBy: readonly string[]) => void;
}

/** Until the cache shows what was just made. */
const createdLateMs = 1_000;

/**
 * The life of the images that can be made (design.md, decision 6): one piece of work for all who want an image, whatever
 * their number, begun only when the registry says that it is missing, and never more at once than there are places.
 * Cost: per image, a look is a few map look-ups; requests are made only for what changes.
 */
export class ImageMaking {
  readonly #options: ImageMakingOptions;
  readonly #wants = new ImageWants();
  readonly #states = new MakingStates();
  readonly #shelf: JobShelf;
  readonly #memory = new MakingMemory();
  readonly #condemned: CondemnedImages;
  readonly #looks: Looks;
  readonly #user: PlacesUser;
  /** Gives its places back: others may have them. */
  readonly leave: () => void;

  constructor(options: ImageMakingOptions) {
    this.#options = options;
    this.#shelf = new JobShelf(options, options.runtime.clock);
    this.#condemned = new CondemnedImages(options, this.#shelf);
    this.#looks = new Looks({ ...options, verdicts: this.#memory.verdicts, onEnd: options.look });
    this.#user = this.#shelf.asUser(() => this.#states.takeQueued().forEach(options.look));
    this.leave = options.places.join(this.#user);
  }

  /** Replaces what `wantedBy` wants. */
  want(wantedBy: string, requests: readonly ImageRequest[], generation?: number): void {
    this.#options.checks.want(wantedBy, requests, generation);
    const [request] = requests.filter(({ recipe }) => recipe !== undefined);
    if (request?.recipe === undefined) return void this.#drop(wantedBy);
    const image = imageKey(request.image);
    // Who made the former for it has to be told: nothing else would wake that image.
    if (this.#wants.imageOf(wantedBy) !== image) this.#drop(wantedBy);
    this.#wants.add({ token: wantedBy, image, request, recipe: request.recipe, generation });
    // Another version may mean another content: what is known is of the former.
    this.#states.forget(image);
    this.#options.look(image);
  }

  forget(wantedBy: string): void {
    this.#options.checks.forget(wantedBy);
    this.#drop(wantedBy);
  }

  warnings(wantedBy: string): readonly string[] {
    const { checks, workshop, makerOf } = this.#options;
    const made = ordered(this.#wants.by(wantedBy), makerOf).flatMap((want) => {
      const inputs = workshop.inputs(orderOf(want, this.#shelf.of(want.image)));
      return inputs.kind === 'ready' ? (inputs.warnings ?? []) : [];
    });
    return [...checks.warnings(wantedBy), ...made];
  }

  /** `Checking` until it was looked at. */
  state(request: ImageRequest, generation?: number): ImageState {
    const { recipe, image } = request;
    if (recipe === undefined) return this.#options.checks.state(request, generation);
    return this.#states.get(imageKey(image), expectationOf(recipe)) ?? { state: 'Checking' };
  }

  /** The registry has answered about what these want: of images that can be made, more than the answer counts. */
  answered(tokens: readonly string[]): void {
    const images = new Set(tokens.map((token) => this.#wants.imageOf(token)).filter((image) => image !== undefined));
    for (const image of images) this.#options.look(image);
    const others = tokens.filter((token) => this.#wants.imageOf(token) === undefined);
    if (others.length > 0) this.#options.onChange(others);
  }

  /** Images that are wanted and made from what has this name, a ConfigMap or a Secret; without a name: all. */
  wanted(madeFrom?: string): string[] {
    return this.#wants.images(madeFrom);
  }

  async reconcile(image: string): Promise<Outcome> {
    const wants = ordered(this.#wants.of(image), this.#options.makerOf);
    const picture = this.#gather(image, wants);
    const decision = decide(picture);
    this.#publish(picture, decision, wants);
    await this.#condemned.share(image, wants);
    const acted = await this.#apply(picture, decision.action, wants);
    if (acted !== undefined) return acted;
    return decision.wakeMs === undefined ? done : after(decision.wakeMs, 'ImageInTheMaking');
  }

  #drop(token: string): void {
    const image = this.#wants.remove(token, this.#options.runtime.clock.passed());
    if (image === undefined) return;
    if (this.#wants.of(image).length === 0) this.#states.forget(image);
    this.#options.look(image);
  }

  #gather(image: string, wants: readonly Ordered[]): MakingPicture {
    const { checks, workshop, keepFinishedMs, places, runtime, isSettled } = this.#options;
    const nowMs = runtime.clock.passed();
    const unwantedMs = wants.length === 0 && isSettled() ? this.#wants.unwantedMs(image, nowMs) : 0;
    const heldMs = this.#memory.heldMs(image, places.isTaken(image, this.#user) ? nowMs : undefined);
    const mayStart = heldMs < nowMs && places.isFree();
    const numbers = { mayStart, heldMs, unwantedMs, keepFinishedMs, nowMs };
    const given = { image, wants, jobs: this.#shelf.of(image), checks, workshop, memory: this.#memory };
    return gather({ ...given, condemned: this.#condemned, ...numbers });
  }

  #publish(
    { image, expectations }: MakingPicture,
    { stateOf }: Pick<MakingDecision, 'stateOf'>,
    wants: readonly Ordered[],
  ): void {
    if (wants.length === 0) return;
    const changed = this.#states.replace(image, new Map(expectations.map((each) => [each, stateOf(each)])));
    const whose = wants.filter(({ recipe }) => changed.includes(expectationOf(recipe))).map(({ token }) => token);
    if (whose.length > 0) this.#options.onChange(whose);
  }

  /** Undefined: nothing was done that would not wake this image by itself. */
  async #apply(picture: MakingPicture, action: MakingAction, wants: readonly Ordered[]): Promise<Outcome | undefined> {
    const { checks } = this.#options;
    const { image } = picture;
    const parts = { ...this.#options, memory: this.#memory, shelf: this.#shelf };
    switch (action.kind) {
      case 'none':
        return undefined;
      case 'create':
        return this.#create(picture, action, wants);
      case 'delete': {
        const foreign = action.condemn ? await this.#condemned.add(picture, wants) : undefined;
        if (foreign !== undefined) return this.#waitForName(image, foreign);
        if (action.condemn) this.#memory.forgetForeign(image);
        else if (!picture.isCondemned) await this.#condemned.remove(image);
        await remove(parts, image, action, wants);
        return done;
      }
      case 'giveUp':
        await giveUp(parts, image, action, wants);
        return done;
      case 'read': {
        const noted = await noteResult(this.#options, action.job);
        this.#shelf.noteRead(action.job, noted);
        this.#options.told.ended(action.job, noted, wants);
        return done;
      }
      case 'ask':
        await this.#condemned.remove(image);
        for (const name of new Set(wants.map(({ request }) => request.image))) checks.again(name);
        return done;
      case 'verify': {
        const isOpen = (each: string) => wants.find(({ recipe }) => expectationOf(recipe) === each) ?? [];
        this.#looks.begin(image, action.digest, action.expectations.flatMap(isOpen));
        return undefined;
      }
      case 'forget':
        await this.#condemned.remove(image);
        this.#wants.forgetUnwanted(image);
        this.#memory.forget(image);
        return done;
      default:
        return unreachable(action);
    }
  }

  async #create(
    picture: MakingPicture,
    { step, hash }: { step: Step; hash: string },
    wants: readonly Ordered[],
  ): Promise<Outcome> {
    const { image, jobs, recipe } = picture;
    const want = wants.find((each) => each.recipe === recipe);
    if (want === undefined || this.#shelf.isMaking(image)) return after(createdLateMs, 'JobNotSeenYet');
    const order = orderOf(want, jobs);
    const before = this.#memory.failures(image).get(step);
    const attempt = before?.hash === hash ? before.attempt + 1 : 1;
    const parts = { ...this.#options, shelf: this.#shelf };
    const begun = await beginStep(parts, step, { ...order, image, hash, attempt });
    if (begun.kind === 'not yet') return after(createdLateMs, begun.why);
    if (begun.kind === 'foreign') return this.#waitForName(image, begun);
    if (begun.kind === 'begun') {
      this.#memory.forgetForeign(image);
      this.#options.told.created(step, want, begun.job);
      return done;
    }
    const { reason, message } = begun;
    this.#publish(picture, { stateOf: () => ({ state: 'Failed', reason, message }) }, wants);
    return done;
  }

  #waitForName(image: string, { message }: Foreign): Outcome {
    this.#memory.noteForeign(image, message, this.#options.runtime.clock.passed());
    return after(0, makingReasons.foreignJob);
  }
}
