/** Where to listen; `host` undefined: on all addresses. Port 0: any free one. */
export interface BindAddress {
  host: string | undefined;
  port: number;
}

/** Reads Go's form: `:8081`, `127.0.0.1:8080`, `[::1]:0`; `0` means off and gives `undefined`. Throws what is wrong. */
export function parseBindAddress(text: string): BindAddress | undefined {
  if (text === '0') return undefined;
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new Error(`expected host:port, :port or 0 (off), got ${JSON.stringify(text)}`);
  }
  return { host: match[1] ?? (match[2] || undefined), port };
}

/** Whether nobody but this machine can connect there. */
export function isLoopback({ host }: BindAddress): boolean {
  return host !== undefined && (/^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1' || host === 'localhost');
}
