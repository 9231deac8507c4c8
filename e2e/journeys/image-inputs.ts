import type { KubeClient } from '../../shared/kube/client.ts';
import { labels } from '../../shared/kube/names.ts';
import { configMaps, secrets } from '../../shared/kube/resources.ts';
import { makeSigningKeys } from '../../shared/testing/signing-keys.ts';

/** Variables of a Dockerfile or a spec, not of JavaScript. */
export const variable = (name: string) => `\${${name}}`;

/** Builds driver `nic` in the shape that a vendor's Dockerfile has. */
export const dockerfile = [
  'ARG DTK_AUTO',
  `FROM ${variable('DTK_AUTO')} as builder`,
  'ARG KERNEL_FULL_VERSION',
  'RUN make all',
  'FROM registry.example/base:1',
  'ARG KERNEL_FULL_VERSION',
  `COPY --from=builder /src/nic.ko /opt/lib/modules/${variable('KERNEL_FULL_VERSION')}/extra/`,
  `RUN depmod -b /opt ${variable('KERNEL_FULL_VERSION')}`,
].join('\n');

/** `sign` of a spec: driver `nic`, with the Secrets of a `keyPair`. */
export function signedBy(keyPair: string) {
  return {
    keySecret: { name: `${keyPair}-key` },
    certSecret: { name: `${keyPair}-certificate` },
    filesToSign: [`/opt/lib/modules/${variable('KERNEL_FULL_VERSION')}/extra/nic.ko`],
  };
}

/** What an admin puts into a namespace for images to be made from. */
export class ImageInputs {
  readonly #client: () => KubeClient;
  readonly #namespace: string;

  constructor(client: () => KubeClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  /** `use`: what the Secret says that it is for; undefined: nothing. */
  async secret(name: string, use: string | undefined, data: Record<string, Buffer | string>): Promise<void> {
    const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
    await this.#client().create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: this.#namespace, name, labels: use === undefined ? {} : { [labels.secretUse]: use } },
      data: Object.fromEntries(encoded),
    });
  }

  /** Secrets `<of>-key` and `<of>-certificate`. */
  async keyPair(of: string, use?: string): Promise<void> {
    const { key, certificate } = await makeSigningKeys({ rsa: 2048 });
    await this.secret(`${of}-key`, use, { key: key.export({ type: 'pkcs8', format: 'pem' }) });
    await this.secret(`${of}-certificate`, use, { cert: certificate });
  }

  async configMap(name: string, data: Record<string, string>): Promise<void> {
    const metadata = { namespace: this.#namespace, name };
    await this.#client().create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
  }

  /** Another text in a ConfigMap that is there. */
  async writeDockerfile(name: string, dockerfile: string): Promise<void> {
    const at = { namespace: this.#namespace, name };
    await this.#client().patch(configMaps, at, { type: 'merge', body: { data: { dockerfile } } });
  }

  /** The table of driver toolkit images, with one for each kernel. */
  toolkits(kernels: readonly string[]): Promise<void> {
    const entries = kernels.map((kernel) => [kernel, `registry.example/toolkit:${kernel}`]);
    return this.configMap('kmm-driver-toolkit-images', Object.fromEntries(entries));
  }
}
