import { type Etcd, startEtcd } from '../control-plane/etcd.ts';

/** An etcd that is there for who asked for it until they give it back. */
export interface BorrowedEtcd extends Etcd {
  /** A prefix that no other plane of this process has had. */
  prefixFor(name: string): string;
  giveBack(): Promise<void>;
}

/** One for all planes of this process: each takes 50 MB and a second otherwise. It ends with the last of them. */
let shared: { etcd: Promise<Etcd>; users: number } | undefined;
let planes = 0;

export async function borrowEtcd(): Promise<BorrowedEtcd> {
  shared ??= { etcd: startEtcd(), users: 0 };
  const mine = shared;
  mine.users += 1;
  return {
    ...(await mine.etcd),
    prefixFor(name) {
      planes += 1;
      return `${name}-${planes}`;
    },
    async giveBack() {
      mine.users -= 1;
      if (mine.users > 0) return;
      if (shared === mine) shared = undefined;
      await (await mine.etcd).stop();
    },
  };
}
