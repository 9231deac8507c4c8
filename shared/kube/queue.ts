/**
 * Which key is worked on when: a pure, keyed delay queue. It knows neither time nor work; the runner (`controller.ts`)
 * passes the time in.
 *
 * - A key waits at most once; of several times asked for, the earliest wins.
 * - A key that is being worked on is never given out again; asked for meanwhile, it waits until `finish`.
 * - Keys that are due come out in the order of their times, then in that of their arrival; those asked for as `ahead` come
 *   before all others, but for one in eight: what others always overtake would never be looked at.
 */
export class DelayQueue {
  #waiting = new Map<string, Entry>();
  #ahead: Entry[] = [];
  #rest: Entry[] = [];
  /** Taken ahead in a row while others were due. */
  #overtaken = 0;
  #working = new Set<string>();
  /** Earliest time asked for while the key was worked on. */
  #again = new Map<string, Wish>();
  #sequence = 0;

  /** What is kept of those that wait: after each `add` at most two for a key, however often it was asked for. */
  get entries(): number {
    return this.#ahead.length + this.#rest.length;
  }

  get working(): number {
    return this.#working.size;
  }

  /** Keys that are due and wait for room, or for the end of the work on them. Looks at every key that waits. */
  due(nowMs: number): number {
    const wishes = [...this.#waiting.values(), ...this.#again.values()];
    return wishes.filter(({ atMs }) => atMs <= nowMs).length;
  }

  /** `ahead` is for what is due now: it does not wait for a time. */
  add(key: string, atMs: number, { ahead = false } = {}): void {
    const wish = { atMs, ahead };
    if (this.#working.has(key)) {
      this.#again.set(key, united(this.#again.get(key), wish));
      return;
    }
    const present = this.#waiting.get(key);
    const next = united(present, wish);
    if (present !== undefined && present.atMs === next.atMs && present.ahead === next.ahead) return;
    const entry = { ...next, key, sequence: this.#sequence++ };
    this.#waiting.set(key, entry);
    push(entry.ahead ? this.#ahead : this.#rest, entry);
    if (this.entries > 2 * this.#waiting.size) this.#tidy();
  }

  /** The next key that is due, now being worked on, and since when it was; `undefined` when none is. */
  take(nowMs: number): { readonly key: string; readonly atMs: number } | undefined {
    const [ahead, other] = [this.#due(this.#ahead, nowMs), this.#due(this.#rest, nowMs)];
    const overtakes = ahead !== undefined && (other === undefined || this.#overtaken < overtakenMax);
    const first = overtakes ? ahead : other;
    if (first === undefined) return undefined;
    this.#overtaken = overtakes && other !== undefined ? this.#overtaken + 1 : 0;
    pop(overtakes ? this.#ahead : this.#rest);
    this.#waiting.delete(first.key);
    this.#working.add(first.key);
    return first;
  }

  /** The work on `key` ended; it may be given out again. */
  finish(key: string): void {
    this.#working.delete(key);
    const again = this.#again.get(key);
    this.#again.delete(key);
    if (again !== undefined) this.add(key, again.atMs, again);
  }

  /** When the next key is due; `undefined` when none waits. */
  nextAtMs(): number | undefined {
    const [ahead, other] = [this.#first(this.#ahead)?.atMs, this.#first(this.#rest)?.atMs];
    return ahead === undefined || other === undefined ? (ahead ?? other) : Math.min(ahead, other);
  }

  #due(heap: Entry[], nowMs: number): Entry | undefined {
    const first = this.#first(heap);
    return first !== undefined && first.atMs <= nowMs ? first : undefined;
  }

  /** More than half of the entries are of no use: what it cost to add them pays for this. */
  #tidy(): void {
    for (const heap of [this.#ahead, this.#rest]) {
      const live = heap.filter((entry) => this.#waiting.get(entry.key) === entry);
      heap.length = 0;
      for (const entry of live) push(heap, entry);
    }
  }

  /** Entries that an earlier time replaced stay in their heap until they come up, or are too many. */
  #first(heap: Entry[]): Entry | undefined {
    for (let top = heap[0]; top !== undefined; top = heap[0]) {
      if (this.#waiting.get(top.key) === top) return top;
      pop(heap);
    }
    return undefined;
  }
}

/** One of those that wait comes after so many that overtook it. */
const overtakenMax = 7;

interface Wish {
  readonly atMs: number;
  readonly ahead: boolean;
}

interface Entry extends Wish {
  readonly key: string;
  readonly sequence: number;
}

function united(present: Wish | undefined, wish: Wish): Wish {
  if (present === undefined) return wish;
  return { atMs: Math.min(present.atMs, wish.atMs), ahead: present.ahead || wish.ahead };
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

/** A binary heap: the parent of `i` stands at `(i - 1) >> 1` and comes before it. */
function push(heap: Entry[], entry: Entry): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent]!;
    if (!before(entry, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    const child = firstChild(heap, index);
    if (child === undefined || !before(heap[child]!, last)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
}

function firstChild(heap: readonly Entry[], index: number): number | undefined {
  const left = 2 * index + 1;
  const right = left + 1;
  if (left >= heap.length) return undefined;
  return right < heap.length && before(heap[right]!, heap[left]!) ? right : left;
}
