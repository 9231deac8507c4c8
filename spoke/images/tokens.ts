/** Names what one Module wants for one kernel. */
export function tokenOf(module: string, kernel: string): string {
  return JSON.stringify([module, kernel]);
}

/** `module` is the Module's key, `namespace/name`. */
export function tokenOwner(token: string): { module: string; kernel: string } {
  const [module, kernel] = JSON.parse(token) as [string, string];
  return { module, kernel };
}
