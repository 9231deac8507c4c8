import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stringify } from 'yaml';
import { KubeconfigError, loadKubeconfig } from './kubeconfig.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

function kubeconfig(cluster: object = {}, user: object = { token: 't' }): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'ns' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://api.example:6443/', ...cluster } }],
    users: [{ name: 'u', user }],
  });
}

describe('a kubeconfig', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  it('gives the address, the authority and the token of its current context', () => {
    const access = loadKubeconfig({ text: kubeconfig({ 'certificate-authority-data': base64('CA') }) });
    assert.deepEqual(access, {
      server: 'https://api.example:6443',
      ca: 'CA',
      insecureSkipTlsVerify: false,
      tlsServerName: undefined,
      proxyUrl: undefined,
      clientCertificate: undefined,
      credentials: { kind: 'token', token: 't' },
      namespace: 'ns',
    });
  });

  it('finds the files that it names beside itself', () => {
    file('ca.crt', 'CA');
    file('me.crt', 'CERT');
    file('me.key', 'KEY');
    const user = { 'client-certificate': 'me.crt', 'client-key': 'me.key', tokenFile: 'token' };
    const path = file('config', kubeconfig({ 'certificate-authority': 'ca.crt' }, user));
    const access = loadKubeconfig({ path });
    assert.equal(access.ca, 'CA');
    assert.deepEqual(access.clientCertificate, { cert: 'CERT', key: 'KEY' });
    assert.deepEqual(access.credentials, { kind: 'tokenFile', path: join(folder, 'token') });
  });

  it('takes what else an admin may have set', () => {
    const cluster = {
      'insecure-skip-tls-verify': true,
      'tls-server-name': 'other',
      'proxy-url': 'http://proxy:3128',
    };
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: './login',
      env: [{ name: 'A', value: 'b' }],
    };
    const access = loadKubeconfig({ path: file('config', kubeconfig(cluster, { exec })) });
    assert.equal(access.insecureSkipTlsVerify, true);
    assert.equal(access.tlsServerName, 'other');
    assert.equal(access.proxyUrl, 'http://proxy:3128');
    const command = join(folder, 'login');
    assert.deepEqual(access.credentials, {
      kind: 'exec',
      exec: { apiVersion: exec.apiVersion, command, args: [], env: { A: 'b' } },
    });
    const basic = loadKubeconfig({ text: kubeconfig({}, { username: 'me', password: 'p' }) });
    assert.deepEqual(basic.credentials, { kind: 'basic', username: 'me', password: 'p' });
    assert.deepEqual(loadKubeconfig({ text: kubeconfig({}, {}) }).credentials, { kind: 'none' });
  });

  it('is joined from several files, of which those that are not there are left out', () => {
    const context = file(
      'a',
      stringify({ 'current-context': 'here', contexts: [{ name: 'here', context: { cluster: 'c' } }] }),
    );
    const path = [context, join(folder, 'missing'), file('b', kubeconfig())].join(delimiter);
    assert.equal(loadKubeconfig({ path }).server, 'https://api.example:6443');
  });

  it('in a pod is the service account', () => {
    file('ca.crt', 'CA');
    file('namespace', 'mine\n');
    const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const access = loadKubeconfig({ inCluster: true, environment, folder });
    assert.equal(access.server, 'https://[fd00::1]:443');
    assert.equal(access.ca, 'CA');
    assert.equal(access.namespace, 'mine');
    assert.deepEqual(access.credentials, { kind: 'tokenFile', path: join(folder, 'token') });
  });

  const refused: { title: string; text: string; message: RegExp }[] = [
    { title: 'no YAML', text: ': [', message: /is no YAML/ },
    { title: 'no current context', text: 'apiVersion: v1', message: /sets no current-context/ },
    { title: 'a context that is not there', text: 'current-context: x', message: /has no context "x"/ },
    {
      title: 'a server that is no URL',
      text: kubeconfig({ server: 'api.example' }),
      message: /clusters\.0\.cluster\.server/,
    },
    {
      title: 'half a client certificate',
      text: kubeconfig({}, { 'client-key-data': base64('k') }),
      message: /only one of/,
    },
    {
      title: 'an auth-provider',
      text: kubeconfig({}, { 'auth-provider': { name: 'oidc' } }),
      message: /auth-provider/,
    },
    {
      title: 'an authority that is not there',
      text: kubeconfig({ 'certificate-authority': '/nowhere/ca' }),
      message: /cannot read \/nowhere\/ca: ENOENT/,
    },
  ];
  for (const { title, text, message } of refused) {
    it(`is refused in one line with ${title}`, () => {
      assert.throws(
        () => loadKubeconfig({ text }),
        (error) => error instanceof KubeconfigError && message.test(error.message) && !error.message.includes('\n'),
      );
    });
  }

  it('says what to do where there is none', () => {
    assert.throws(() => loadKubeconfig({ inCluster: true, environment: {} }), /set KUBECONFIG or --kubeconfig/);
    assert.throws(() => loadKubeconfig({ path: join(folder, 'missing') }), /cannot read .*missing: ENOENT/);
  });

  it('never shows a token in a message', () => {
    const text = kubeconfig({ server: 'nonsense' }, { token: 'top-secret' });
    assert.throws(
      () => loadKubeconfig({ text }),
      (error) => error instanceof Error && !error.message.includes('top-secret'),
    );
  });
});
