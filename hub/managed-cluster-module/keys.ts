/** The key of one cluster's work: `module/cluster`. Neither name can hold a slash. */
export function clusterKey(module: string, cluster: string): string {
  return `${module}/${cluster}`;
}

export function splitClusterKey(key: string): { module: string; cluster: string } {
  const slash = key.indexOf('/');
  return { module: key.slice(0, slash), cluster: key.slice(slash + 1) };
}
