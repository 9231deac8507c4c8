/** Powers of ten and of two that a resource quantity may end in (apimachinery `resource.Quantity`). */
const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a quantity such as `500m`, `1Gi`, `2e3` or `1` means; `undefined` when it is none. */
export function parseQuantity(quantity: string | number): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(String(quantity));
  if (match === null) return undefined;
  return Number(match[1]) * (suffixes[match[2] ?? ''] ?? 1);
}

/** Whether both are quantities of the same value: `1000m` and `1`, `1024Mi` and `1Gi`. */
export function sameQuantity(a: string | number, b: string | number): boolean {
  const [first, second] = [parseQuantity(a), parseQuantity(b)];
  if (first === undefined || second === undefined) return false;
  // Thousandths are not exact in binary: equal up to the last digits.
  return Math.abs(first - second) <= Math.abs(first) * 1e-12;
}
