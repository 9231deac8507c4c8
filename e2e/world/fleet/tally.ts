/** Requests that the planes of this process have answered since somebody last took the tally. */
export interface Tally {
  requests: number;
  /** Those of our programs. */
  ours: number;
}

let present: Tally = { requests: 0, ours: 0 };

/** Called by each plane when it stops. */
export function addToTally({ requests, ours }: Tally): void {
  present = { requests: present.requests + requests, ours: present.ours + ours };
}

/** Gives the tally and begins a new one. */
export function takeTally(): Tally {
  const taken = present;
  present = { requests: 0, ours: 0 };
  return taken;
}
