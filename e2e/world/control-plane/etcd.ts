import { join } from 'node:path';
import { request } from 'undici';
import { processHost } from '../../../shared/process/host.ts';
import { findAssets } from './assets.ts';
import { type Lifeline, openLifeline } from './lifeline.ts';
import { onFreePorts } from './ports.ts';
import { currentRelease } from './releases.ts';
import { type ServerProcess, type Share, startServer, untilReady } from './server-process.ts';

const readyMs = 30_000;

/** An etcd that keeps nothing: several control planes share it, each under its own prefix. */
export interface Etcd {
  url: string;
  process: ServerProcess;
  stop(): Promise<void>;
}

/** `thousands`: of objects are to be held, by a machine that does little else. */
export async function startEtcd({ thousands = false } = {}): Promise<Etcd> {
  const assets = await findAssets(currentRelease);
  const release = processHost().keepAlive();
  try {
    return await onFreePorts(2, async ([clients = 0, peers = 0]) => {
      const lifeline = openLifeline('etcd');
      try {
        const share: Share = thousands ? 'atWill' : { memoryMiB: 200 };
        return await start(lifeline, assets.pathOf('etcd'), { ports: { clients, peers }, share });
      } catch (error) {
        await lifeline.end();
        throw error;
      }
    });
  } finally {
    release();
  }
}

async function start(
  lifeline: Lifeline,
  path: string,
  { ports, share }: { ports: { clients: number; peers: number }; share: Share },
): Promise<Etcd> {
  const url = `http://127.0.0.1:${ports.clients}`;
  const peerUrl = `http://127.0.0.1:${ports.peers}`;
  const process = startServer(lifeline, path, {
    arguments: etcdArguments(lifeline.folder, url, peerUrl),
    share,
  });
  await untilReady([process], `${url}/health`, readyMs, async () => {
    const answer = await request(`${url}/health`);
    await answer.body.dump();
    return answer.statusCode === 200;
  });
  return {
    url,
    process,
    async stop() {
      await process.stop();
      await lifeline.end();
    },
  };
}

function etcdArguments(folder: string, url: string, peerUrl: string): string[] {
  return [
    '--name=world',
    `--data-dir=${join(folder, 'data')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=world=${peerUrl}`,
    // What a crash loses, nobody reads: every run starts empty.
    '--unsafe-no-fsync',
    '--snapshot-count=10000',
    '--log-level=warn',
  ];
}
