/** What the hub has seen of one state of one cluster; lost with a restart, which only ever makes it wait less. */
export interface Memory {
  state: string | undefined;
  /** The state was seen not fulfilled. When that ended is only known from then on: nobody looks while nothing changes. */
  wasBroken: boolean;
  /** Since when it is seen fulfilled, without a break: an upper bound of what the cluster's clock says. */
  seenAtMs?: number | undefined;
  /** When it last counted as succeeded: who is never well for long enough is late all the same. */
  succeededMs?: number | undefined;
  /** Since when nodes are reported as failed, without a break. */
  failingSinceMs?: number | undefined;
}

/** A clock that was set back stretches what is waited for by what it had lasted, and not by an hour. */
export function notAhead(memory: Memory, nowMs: number): Memory {
  const bounded = (timeMs: number | undefined) => timeMs && Math.min(timeMs, nowMs);
  const { seenAtMs, succeededMs, failingSinceMs } = memory;
  const since = { seenAtMs: bounded(seenAtMs), succeededMs: bounded(succeededMs) };
  return { ...memory, ...since, failingSinceMs: bounded(failingSinceMs) };
}
