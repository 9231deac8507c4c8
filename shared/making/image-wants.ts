import type { ImageRequest } from '../images/look-up.ts';
import type { ImageRecipe } from '../images/recipe.ts';
import { formatReference, parseReference } from '../registry/reference.ts';

/** One who wants an image, and how it would be made for them. */
export interface Want {
  token: string;
  /** Its name, spelt in the one way. */
  image: string;
  request: ImageRequest;
  recipe: ImageRecipe;
  generation: number | undefined;
}

/** Who wants which image that can be made, by image name and by token. */
export class ImageWants {
  readonly #byImage = new Map<string, Map<string, Want>>();
  readonly #images = new Map<string, string>();
  /** Since when nobody wants an image that was wanted, or is made. */
  readonly #unwantedSince = new Map<string, number>();

  /** Of a token that wants nothing, or this image. */
  add(want: Want): void {
    const { image } = want;
    this.#images.set(want.token, image);
    const wants = this.#byImage.get(image) ?? new Map<string, Want>();
    this.#byImage.set(image, wants.set(want.token, want));
    this.#unwantedSince.delete(image);
  }

  /** Gives the image that the token wanted. As all times here, `nowMs` is `Clock.passed()`. */
  remove(token: string, nowMs: number): string | undefined {
    const image = this.#images.get(token);
    if (image === undefined) return undefined;
    this.#images.delete(token);
    const wants = this.#byImage.get(image);
    wants?.delete(token);
    if (wants?.size === 0) {
      this.#byImage.delete(image);
      this.#unwantedSince.set(image, nowMs);
    }
    return image;
  }

  imageOf(token: string): string | undefined {
    return this.#images.get(token);
  }

  by(token: string): readonly Want[] {
    const image = this.#images.get(token);
    const want = image === undefined ? undefined : this.#byImage.get(image)?.get(token);
    return want === undefined ? [] : [want];
  }

  of(image: string): readonly Want[] {
    return [...(this.#byImage.get(image)?.values() ?? [])];
  }

  images(madeFrom?: string): string[] {
    const all = [...this.#byImage];
    const chosen =
      madeFrom === undefined
        ? all
        : all.filter(([, wants]) => [...wants.values()].some((want) => uses(want, madeFrom)));
    return chosen.map(([image]) => image);
  }

  unwantedMs(image: string, nowMs: number): number {
    const since = this.#unwantedSince.get(image) ?? nowMs;
    this.#unwantedSince.set(image, since);
    return nowMs - since;
  }

  forgetUnwanted(image: string): void {
    this.#unwantedSince.delete(image);
  }
}

function uses({ recipe: { build, sign, imageRepoSecret } }: Want, name: string): boolean {
  const names = [build?.dockerfileConfigMap, ...(build?.secrets ?? []), sign?.keySecret, sign?.certSecret];
  return [...names, imageRepoSecret].includes(name);
}

/** One image has one key, however it is spelt. */
export function imageKey(image: string): string {
  const parsed = parseReference(image);
  return parsed.kind === 'invalid' ? image : formatReference(parsed.reference);
}
