/**
 * Answers `question` of two frozen objects once for as long as both live: thousands of objects share their parts, and ask
 * the same of them again and again. Of anything else it is asked each time.
 */
export function lasting(question: (a: unknown, b: unknown) => boolean): (a: unknown, b: unknown) => boolean {
  const answers = new WeakMap<object, WeakMap<object, boolean>>();
  return (a, b) => {
    if (!isFrozenObject(a) || !isFrozenObject(b)) return question(a, b);
    const known = answers.get(a) ?? new WeakMap<object, boolean>();
    const before = known.get(b);
    if (before !== undefined) return before;
    const answer = question(a, b);
    answers.set(a, known.set(b, answer));
    return answer;
  };
}

function isFrozenObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.isFrozen(value);
}
