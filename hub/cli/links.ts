/** One link of the chain that `explain` follows. */
export interface Link {
  name: 'module' | 'cluster' | 'claim' | 'mapping' | 'image' | 'upcoming' | 'work' | 'applied' | 'loaded';
  /**
   * `waits`: it is not there yet, and comes by itself. `notYet`: as `waits`, and no node needs it now. `unknown`: nothing
   * can be seen of it.
   */
  state: 'ok' | 'broken' | 'waits' | 'notYet' | 'unknown';
  /** What is seen, in sentences; text of clusters may be among them. */
  seen: string[];
  /** Without where all is well. */
  reason?: string;
  /** Further reasons that want their own advice, such as those of nodes. */
  also?: string[];
}

type Name = Link['name'];

export function ok(name: Name, seen: string[]): Link {
  return { name, state: 'ok', seen };
}

export function broken(name: Name, reason: string, seen: string[], also: string[] = []): Link {
  return { name, state: 'broken', reason, seen, ...(also.length > 0 && { also }) };
}

export function waits(name: Name, reason: string, seen: string[]): Link {
  return { name, state: 'waits', reason, seen };
}

export function notYet(name: Name, reason: string, seen: string[], also: string[] = []): Link {
  return { name, state: 'notYet', reason, seen, ...(also.length > 0 && { also }) };
}

export function unknown(name: Name, seen: string[]): Link {
  return { name, state: 'unknown', seen };
}
