import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Authority, makeAuthority } from '../api-server/certificates.ts';
import { kubeconfigText } from '../api-server/credentials.ts';

/** The files that a control plane's programs read, by the names that `flags.ts` gives them. */
export const fileNames = {
  authority: 'authority.crt',
  authorityKey: 'authority.key',
  server: 'server.crt',
  serverKey: 'server.key',
  serviceAccounts: 'service-accounts.pub',
  serviceAccountsKey: 'service-accounts.key',
  auditPolicy: 'audit-policy.yaml',
  auditLog: 'audit.log',
  controllerManager: 'controller-manager.kubeconfig',
  scheduler: 'scheduler.kubeconfig',
} as const;

export type Paths = { readonly [name in keyof typeof fileNames]: string };

/** What a client certificate says: for Kubernetes its common name is the user, its organizations are the groups. */
export interface User {
  name: string;
  groups?: readonly string[];
}

/** Every request by its metadata: who asked for what, and was it allowed. No bodies: they may be secrets. */
export const metadataPolicy = [
  'apiVersion: audit.k8s.io/v1',
  'kind: Policy',
  'omitStages: [RequestReceived, ResponseStarted]',
  'rules: [{ level: Metadata }]',
  '',
].join('\n');

export interface Identity {
  paths: Paths;
  caPem: string;
  kubeconfigFor(user: User): Promise<string>;
}

/** Makes the cluster's authority and keys, and writes all that its programs need into `folder`. */
export async function writeFiles(options: {
  folder: string;
  name: string;
  url: string;
  auditPolicy: string;
}): Promise<Identity> {
  const { folder, name, url, auditPolicy } = options;
  const entries = Object.entries(fileNames).map(([key, fileName]) => [key, join(folder, fileName)]);
  const paths = Object.fromEntries(entries) as Paths;
  const authority = await makeAuthority(name);
  const server = await authority.issue({ name: `${name} API server`, usage: 'server' });
  const kubeconfigFor = (user: User) => kubeconfig({ name, url, authority, user });
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const texts: { [file in keyof Paths]?: string } = {
    authority: authority.caPem,
    authorityKey: authority.keyPem,
    server: server.certificatePem,
    serverKey: server.keyPem,
    serviceAccounts: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    serviceAccountsKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    auditPolicy,
    controllerManager: await kubeconfigFor({ name: 'system:kube-controller-manager' }),
    scheduler: await kubeconfigFor({ name: 'system:kube-scheduler' }),
  };
  for (const [file, text] of Object.entries(texts)) writeFileSync(paths[file as keyof Paths], text, { mode: 0o600 });
  return { paths, caPem: authority.caPem, kubeconfigFor };
}

async function kubeconfig(options: { name: string; url: string; authority: Authority; user: User }): Promise<string> {
  const { name, url, authority, user } = options;
  const credentials = await authority.issue({ ...user, usage: 'client' });
  return kubeconfigText({ name, url, caPem: authority.caPem, user: user.name, credentials });
}
