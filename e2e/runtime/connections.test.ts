import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { parse, stringify } from 'yaml';
import type { KubeClient } from '../../shared/kube/client.ts';
import { namespaces } from '../../shared/kube/resources.ts';
import { createKubeClient } from '../../shared/kube/transport.ts';
import { namesOf, type Plane, startPlane } from './plane.ts';

describe('connections to an API server', () => {
  let plane: Plane;
  let client: KubeClient | undefined;
  beforeEach(async () => {
    plane = await startPlane();
  });
  afterEach(async () => {
    await client?.close();
    await plane.stop();
  });

  /** A client of the server's kubeconfig with some fields of its cluster changed. */
  function clientWith(cluster: Record<string, unknown>): KubeClient {
    const kubeconfig = parse(plane.server.kubeconfig());
    Object.assign(kubeconfig.clusters[0].cluster, cluster);
    client = createKubeClient({ kubeconfig: { text: stringify(kubeconfig) } });
    return client;
  }

  it('trust the authority of the kubeconfig only', async () => {
    const other = await startPlane();
    try {
      const authority = Buffer.from(other.server.caPem).toString('base64');
      const refused = clientWith({ 'certificate-authority-data': authority }).list(namespaces);
      await assert.rejects(refused, { status: 0, message: /certificate|signature/ });
    } finally {
      await other.stop();
    }
  });

  it('expect the name that the kubeconfig gives', async () => {
    const refused = clientWith({ 'tls-server-name': 'elsewhere.example' }).list(namespaces);
    await assert.rejects(refused, { status: 0, message: /elsewhere\.example/ });
  });

  it('go unverified only where the kubeconfig says so', async () => {
    const changes = { 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true };
    assert.ok(namesOf((await clientWith(changes).list(namespaces)).items).includes('default'));
  });

  it('go through the proxy of the kubeconfig', async () => {
    const tunnels: (string | undefined)[] = [];
    const sockets: Socket[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, near: Socket) => {
      tunnels.push(request.url);
      const far = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
        near.write('HTTP/1.1 200 OK\r\n\r\n');
        near.pipe(far).pipe(near);
      });
      for (const socket of [near, far]) socket.on('error', () => socket.destroy());
      sockets.push(near, far);
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    try {
      const { port } = proxy.address() as AddressInfo;
      const { items } = await clientWith({ 'proxy-url': `http://127.0.0.1:${port}` }).list(namespaces);
      assert.ok(namesOf(items).includes('default'));
      assert.deepEqual(tunnels, [new URL(plane.server.url).host]);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });
});
