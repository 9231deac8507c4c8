/**
 * `value`, which nobody can change any more: not its parts either. Without recursion: an object with a free part may be
 * nested as deeply as the server's parser goes, 10,000 levels. What is frozen already is taken to be so down to its leaves.
 */
export function frozen<T>(value: T): T {
  const open: unknown[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === null || typeof next !== 'object' || Object.isFrozen(next)) continue;
    Object.freeze(next);
    for (const member of Object.values(next)) if (member !== undefined) open.push(member);
  }
  return value;
}
