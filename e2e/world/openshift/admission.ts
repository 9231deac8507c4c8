import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { errorMessage } from '../../../shared/core/errors.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { KubeObject, Pod } from '../../../shared/kube/object.ts';
import { jsonPointer } from '../../../shared/kube/patch.ts';
import { resource } from '../../../shared/kube/resources.ts';
import { makeAuthority } from '../api-server/certificates.ts';
import { mayUsePrivileged, type UserInfo, userInfoOf } from './privileged-use.ts';
import { violationsOf } from './violations.ts';

/** The members of an `admission.k8s.io/v1` AdmissionRequest that we look at. */
interface AdmissionRequest {
  readonly uid: string;
  readonly namespace: string;
  readonly userInfo: UserInfo;
  readonly object: Pod;
}

type Verdict = { readonly constraint: 'privileged' | 'restricted-v2' } | { readonly refusal: string };

/** Names the SecurityContextConstraints that let a pod in. */
export const sccAnnotation = 'openshift.io/scc';
const configurations = resource<KubeObject & { webhooks: object[] }>(
  'admissionregistration.k8s.io',
  'v1',
  'MutatingWebhookConfiguration',
  'mutatingwebhookconfigurations',
  false,
);
const name = 'scc.openshift.world';

/**
 * OpenShift's admission of pods by SecurityContextConstraints, as a webhook on loopback. A mutating one, because OpenShift's
 * own runs among those: it is asked before Pod Security, and writes into the pod by which constraint it was let in.
 */
export async function startSccAdmission(client: KubeClient): Promise<{ stop(): Promise<void> }> {
  const authority = await makeAuthority('scc');
  const { certificatePem, keyPem } = await authority.issue({ name: 'scc', usage: 'server' });
  const server = createServer({ cert: certificatePem, key: keyPem }, (message, response) => {
    // By `failurePolicy: Fail` an answer that is none refuses the pod, and tells why.
    answer(client, message, response).catch((error) => response.writeHead(500).end(errorMessage(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await client.create(configurations, configuration(`https://127.0.0.1:${port}/`, authority.caPem));
  return {
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function configuration(url: string, caPem: string): KubeObject & { webhooks: object[] } {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name,
        clientConfig: { url, caBundle: Buffer.from(caPem).toString('base64') },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 30,
      },
    ],
  };
}

async function answer(client: KubeClient, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  const { apiVersion, kind, request } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
    apiVersion: string;
    kind: string;
    request: AdmissionRequest;
  };
  const verdict = await judge(client, request);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ apiVersion, kind, response: { uid: request.uid, ...reply(verdict, request.object) } }));
}

/** The account of the pod may use the constraint, or who makes the pod may: hence an admin's own pods run, a DaemonSet's do not. */
async function judge(client: KubeClient, { object, namespace, userInfo }: AdmissionRequest): Promise<Verdict> {
  const violations = violationsOf(object);
  if (violations.length === 0) return { constraint: 'restricted-v2' };
  const account = userInfoOf({ namespace, name: object.spec.serviceAccountName ?? 'default' });
  for (const user of [account, userInfo]) {
    if (await mayUsePrivileged(client, user, namespace)) return { constraint: 'privileged' };
  }
  const why = [...violations, 'provider "privileged": Forbidden: not usable by user or serviceaccount'];
  return { refusal: `unable to validate against any security context constraint: [${why.join(', ')}]` };
}

function reply(verdict: Verdict, { metadata }: Pod): object {
  if ('refusal' in verdict) {
    return { allowed: false, status: { code: 403, reason: 'Forbidden', message: verdict.refusal } };
  }
  const annotations = { ...metadata.annotations, [sccAnnotation]: verdict.constraint };
  const patch = [{ op: 'add', path: jsonPointer('metadata', 'annotations'), value: annotations }];
  return { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') };
}
