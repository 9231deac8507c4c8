/**
 * The file under `/etc/modprobe.d` that makes modprobe load `order` from its end to its start: one line for each pair of
 * neighbours, so that loading the first pulls in all others before it.
 */
export function softdepFile(order: readonly string[]): string {
  return order
    .slice(1)
    .map((before, index) => `softdep ${order[index]} pre: ${before}\n`)
    .join('');
}
