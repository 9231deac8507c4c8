/**
 * Answers `question` of two objects once for as long as both live: thousands of objects share their parts, and ask the same
 * of them again and again. Only for objects that nobody changes.
 */
export function oncePerPair<A extends object, B extends object, T>(question: (a: A, b: B) => T): (a: A, b: B) => T {
  const answers = new WeakMap<A, WeakMap<B, T>>();
  return (a, b) => {
    const known = answers.get(a) ?? new WeakMap<B, T>();
    const before = known.get(b);
    if (before !== undefined) return before;
    const answer = question(a, b);
    answers.set(a, known.set(b, answer));
    return answer;
  };
}

/** The same of two frozen objects; of anything else it is asked each time. */
export function lasting(question: (a: unknown, b: unknown) => boolean): (a: unknown, b: unknown) => boolean {
  const once = oncePerPair<object, object, boolean>(question);
  return (a, b) => {
    if (!isFrozenObject(a) || !isFrozenObject(b)) return question(a, b);
    return once(a, b);
  };
}

export function isFrozenObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.isFrozen(value);
}
