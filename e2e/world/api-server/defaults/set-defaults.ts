/** Sets, in place, the members that `target` does not have; null counts as not there. */
export function setDefaults(target: Record<string, unknown>, defaults: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(defaults)) {
    if (target[name] === undefined || target[name] === null) target[name] = value;
  }
}
