/** The kernel's own spelling of a module's name. */
export function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}
