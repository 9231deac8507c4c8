import { request } from 'undici';

/**
 * Compacts an etcd up to now, as the API server does every five minutes, by etcd's JSON gateway. The API server also
 * keeps lists of its own for late pages, and looks at the key `compact_rev_key`, which the API server that compacts
 * writes, to know which of them have to go (k8s.io/apiserver, storage/etcd3/compact.go).
 */
export async function compactEtcd(url: string): Promise<void> {
  const key = Buffer.from('compact_rev_key');
  const put = (value: string) => call(url, 'kv/put', { key: base64(key), value: base64(Buffer.from(value)) });
  const { revision } = (await put('0'))['header'] as { revision: string };
  await put(revision);
  await call(url, 'kv/compaction', { revision });
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64');
}

async function call(url: string, method: string, body: object): Promise<Record<string, unknown>> {
  const answer = await request(`${url}/v3/${method}`, { method: 'POST', body: JSON.stringify(body) });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`expected etcd to answer ${method} with 200, got ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}
