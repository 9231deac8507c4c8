/** One answered request; a watch is entered when it starts. */
export interface RequestEntry {
  method: string;
  path: string;
  verb: string;
  /** `pods`, `modules`, `modules/status`; empty for discovery and the like. */
  resource: string;
  user: string;
  userAgent: string;
  status: number;
}

const writeVerbs = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** What was asked of the server: the newest `entriesMax` requests, and how many there were in all. */
export class RequestLog {
  readonly #entriesMax: number;
  #entries: RequestEntry[] = [];
  #total = 0;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get entries(): readonly RequestEntry[] {
    return this.#entries;
  }

  /** Requests since the start or the last `clear`, those that `entries` has forgotten included. */
  get total(): number {
    return this.#total;
  }

  add(entry: RequestEntry): void {
    this.#total += 1;
    this.#entries.push(entry);
    // Cut in slices, so that a request's cost stays constant.
    if (this.#entries.length > this.#entriesMax * 1.5) this.#entries = this.#entries.slice(-this.#entriesMax);
  }

  /** Those of the kept entries that equal `pattern` in every member that it has. */
  matching(pattern: Partial<RequestEntry>): readonly RequestEntry[] {
    const wanted = Object.entries(pattern) as [keyof RequestEntry, unknown][];
    return this.#entries.filter((entry) => wanted.every(([name, value]) => entry[name] === value));
  }

  /** The kept requests that asked for a change, refused ones included. */
  writes(pattern: Partial<RequestEntry> = {}): readonly RequestEntry[] {
    return this.matching(pattern).filter((entry) => writeVerbs.has(entry.verb));
  }

  clear(): void {
    this.#entries = [];
    this.#total = 0;
  }
}
