import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sleep, systemClock } from '../../../shared/core/clock.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { ObjectMeta } from '../../../shared/kube/object.ts';
import { secrets } from '../../../shared/kube/resources.ts';
import { kubeconfigText } from '../api-server/credentials.ts';
import type { ControlPlane } from '../control-plane/control-plane.ts';
import { type AccountRef, requestToken } from '../control-plane/service-account.ts';

/** The shortest life that an API server gives to a token. */
const expirationSeconds = 600;
/** Real time. A journey takes half a minute: each program sees its token change, and the old one refused. */
const rotateMs = 15_000;

export interface TokenFilesOptions {
  /** Of an administrator. */
  readonly client: KubeClient;
  readonly control: Pick<ControlPlane, 'name' | 'url' | 'caPem' | 'auditLogPath'>;
}

/**
 * Bound tokens of service accounts in files, as kubelet keeps them for pods: renewed all the time. A token is bound to a
 * Secret, which goes when the next token is there: who does not read the file again is refused with 401.
 */
export class TokenFiles {
  readonly #options: TokenFilesOptions;
  /** Beside the servers' own files: it goes with them, however the process ends. */
  readonly #folder: string;
  readonly #files = new Map<string, Promise<string>>();
  readonly #stopping = new AbortController();
  #renewals = 0;

  constructor(options: TokenFilesOptions) {
    this.#options = options;
    this.#folder = mkdtempSync(join(dirname(options.control.auditLogPath), 'tokens-'));
  }

  /** The text of a kubeconfig that names the account's token file. The account must be there. */
  async kubeconfigOf(account: AccountRef): Promise<string> {
    const user = `${account.namespace}-${account.name}`;
    const file = this.#files.get(user) ?? this.#open(account, join(this.#folder, user));
    this.#files.set(user, file);
    const { name, url, caPem } = this.#options.control;
    return kubeconfigText({ name, url, caPem, user, credentials: { tokenFile: await file } });
  }

  stop(): void {
    this.#stopping.abort();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #open(account: AccountRef, file: string): Promise<string> {
    const bound = await this.#renew(account, file);
    void this.#keep(account, file, bound);
    return file;
  }

  async #keep(account: AccountRef, file: string, first: ObjectMeta): Promise<void> {
    const { signal } = this.#stopping;
    const { client } = this.#options;
    for (let bound = first; ; ) {
      await sleep(systemClock, rotateMs, signal);
      if (signal.aborted) return;
      try {
        const next = await this.#renew(account, file);
        await client.delete(secrets, { namespace: account.namespace, name: bound.name });
        bound = next;
      } catch (error) {
        // The plane may be on its way down; else the next round succeeds, long before the token ends.
        if (signal.aborted) return;
        process.emitWarning(`token of ${account.name}: ${String(error)}`);
      }
    }
  }

  async #renew({ namespace, name }: AccountRef, file: string): Promise<ObjectMeta> {
    const { client } = this.#options;
    this.#renewals += 1;
    const { metadata } = await client.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: `token-of-${name}-${this.#renewals}` },
    });
    const boundObjectRef = { apiVersion: 'v1', kind: 'Secret', name: metadata.name, uid: metadata.uid };
    const token = await requestToken(client, { namespace, name }, { expirationSeconds, boundObjectRef });
    writeFileSync(`${file}.new`, token, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return metadata;
  }
}
