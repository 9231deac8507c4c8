import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type Header, pack } from 'tar-stream';
import { hostCommand } from './command.ts';
import { hostPathPlace, MountError } from './host-path.ts';
import { placeMounts } from './mounts.ts';
import { StartError } from './processes.ts';
import { extractLayers, LayerError, placeInside } from './rootfs.ts';

type Entry = Partial<Header> & { name: string; content?: string };

async function layer(...entries: Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content = '', ...header } of entries) archive.entry(header as Header, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('Files of the node stand-in', () => {
  let folder: string;
  let root: string;

  beforeEach(async () => {
    folder = await realpath(await mkdtemp(`${tmpdir()}/kmm-files-`));
    root = `${folder}/root`;
  });

  afterEach(() => rm(folder, { recursive: true }));

  describe('an image', () => {
    it('has the files of its layers, gzipped or not, the upper ones over the lower', async () => {
      const lower = await layer({ name: 'a/x', content: 'old' }, { name: 'a/run', content: '#!', mode: 0o755 });
      const upper = gzipSync(await layer({ name: './a/x', content: 'new' }));
      await extractLayers([lower, upper], root);
      assert.equal(await readFile(`${root}/a/x`, 'utf8'), 'new');
      assert.equal((await stat(`${root}/a/run`)).mode & 0o777, 0o755);
    });

    it('loses what a whiteout names, and what an opaque folder hides', async () => {
      const lower = await layer({ name: 'a/x' }, { name: 'a/y' }, { name: 'b/z' });
      const upper = await layer({ name: 'a/.wh.x' }, { name: 'b/new' }, { name: 'b/.wh..wh..opq' });
      await extractLayers([lower, upper], root);
      assert.deepEqual(await readdir(`${root}/a`), ['y']);
      assert.deepEqual(await readdir(`${root}/b`), ['new']);
    });

    it('keeps its links inside, absolute ones and those that climb too high', async () => {
      const entries: Entry[] = [
        { name: 'usr/bin/sh', content: 'shell' },
        { name: 'bin', type: 'symlink', linkname: '/usr/bin' },
        { name: 'a/high', type: 'symlink', linkname: '../../../../usr/bin/sh' },
        { name: 'a/hard', type: 'link', linkname: 'usr/bin/sh' },
        { name: 'bin/more', content: 'through the link' },
      ];
      await extractLayers([await layer(...entries)], root);
      assert.equal(await readlink(`${root}/bin`), 'usr/bin');
      assert.equal(await readFile(`${root}/a/high`, 'utf8'), 'shell');
      assert.equal(await readFile(`${root}/a/hard`, 'utf8'), 'shell');
      assert.equal(await readFile(`${root}/usr/bin/more`, 'utf8'), 'through the link');
    });

    it('is refused when an entry would leave its folder', async () => {
      await assert.rejects(extractLayers([await layer({ name: '../evil', content: 'x' })], root), LayerError);
      await assert.rejects(stat(`${folder}/evil`));
    });

    it('resolves any path through any links to a place inside', async () => {
      const part = fc.constantFrom('a', 'b', '..', '.', 'c');
      const path = fc.array(part, { maxLength: 5 }).map((parts) => parts.join('/'));
      const link = fc.record({ name: fc.constantFrom('a', 'b', 'c'), target: path, absolute: fc.boolean() });
      const tree = fc.record({ links: fc.array(link, { maxLength: 3 }), wanted: path });
      let run = 0;
      const isInside = async ({
        links,
        wanted,
      }: {
        links: { name: string; target: string; absolute: boolean }[];
        wanted: string;
      }) => {
        run += 1;
        const top = `${folder}/tree-${run}`;
        await mkdir(`${top}/root/c`, { recursive: true });
        for (const { name, target, absolute } of links) {
          await rm(`${top}/root/${name}`, { recursive: true, force: true });
          await symlink(`${absolute ? '/' : ''}${target}` || '.', `${top}/root/${name}`);
        }
        const found = await placeInside(`${top}/root`, wanted, { parents: true }).catch((error: unknown) => {
          // A ring of links is refused; a link whose target is missing cannot be walked through.
          if (
            error instanceof LayerError ||
            ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
          )
            return `${top}/root`;
          throw error;
        });
        assert.ok(found === `${top}/root` || found.startsWith(`${top}/root/`), found);
        assert.deepEqual(await readdir(top), ['root']);
      };
      await fc.assert(fc.asyncProperty(tree, isInside), { numRuns: 60 });
    });

    it('never writes through a link to the outside', async () => {
      await mkdir(`${folder}/outside`);
      await mkdir(root);
      await symlink(`${folder}/outside`, `${root}/way`);
      await extractLayers([await layer({ name: 'way/file', content: 'x' })], root).catch(() => undefined);
      assert.deepEqual(await readdir(`${folder}/outside`), []);
    });
  });

  describe('a command', () => {
    beforeEach(async () => {
      await mkdir(`${root}/usr/bin`, { recursive: true });
      await writeFile(`${root}/usr/bin/tool`, '');
      await writeFile(`${root}/busybox`, '');
    });

    it('is named by its place under the root folder, a script of busybox too, arguments as they are', () => {
      const at = (...argv: string[]) => hostCommand({ rootfs: root, argv, path: '/bin:/usr/bin' });
      assert.deepEqual(at('/usr/bin/tool', '/x'), [`${root}/usr/bin/tool`, '/x']);
      assert.deepEqual(at('tool', 'y'), [`${root}/usr/bin/tool`, 'y']);
      assert.deepEqual(at('/busybox', 'sh', '/loader.sh', 'run', '/opt'), [
        `${root}/busybox`,
        'sh',
        `${root}/loader.sh`,
        'run',
        '/opt',
      ]);
    });

    it('cannot be run when the image does not have it', () => {
      for (const program of ['/bin/sh', 'sh']) {
        assert.throws(() => hostCommand({ rootfs: root, argv: [program], path: '/usr/bin' }), StartError);
      }
    });
  });

  describe('a hostPath', () => {
    const table: [string, string, string | undefined][] = [
      ['Directory', 'there', undefined],
      ['Directory', 'none', 'hostPath type check failed: /none is not a directory'],
      ['Directory', 'file', 'hostPath type check failed: /file is not a directory'],
      ['DirectoryOrCreate', 'none/deep', undefined],
      ['DirectoryOrCreate', 'file', 'hostPath type check failed: /file is not a directory'],
      ['File', 'there', 'hostPath type check failed: /there is not a file'],
      ['File', 'file', undefined],
      ['Socket', 'file', 'hostPath type check failed: /file is not a socket file'],
      ['', 'none', undefined],
    ];
    for (const [type, path, message] of table) {
      it(`of type ${type || 'unset'} ${message === undefined ? 'takes' : 'refuses'} ${path}`, async () => {
        await mkdir(`${root}/there`, { recursive: true });
        await writeFile(`${root}/file`, '');
        const place = hostPathPlace(root, `/${path}`, type);
        if (message === undefined) assert.equal(await place, `${root}/${path}`);
        else await assert.rejects(place, new MountError(message));
      });
    }
  });

  describe('a mount', () => {
    it('hides what the image has there, and may lie in another mount', async () => {
      await mkdir(`${root}/etc/conf.d`, { recursive: true });
      await writeFile(`${root}/etc/conf.d/old`, '');
      await mkdir(`${folder}/outer`);
      await mkdir(`${folder}/inner`);
      await writeFile(`${folder}/inner/file`, 'inner');
      const volumes = new Map(['outer', 'inner'].map((name) => [name, `${folder}/${name}`]));
      const volumeMounts = [
        { name: 'inner', mountPath: '/etc/conf.d/inner' },
        { name: 'outer', mountPath: '/etc/conf.d' },
      ];
      const container = { name: 'c', volumeMounts };
      await placeMounts({ rootfs: root, folder, container, volumes, hostVolumes: new Set() });
      assert.deepEqual(await readdir(`${root}/etc/conf.d`), ['inner']);
      assert.equal(await readFile(`${root}/etc/conf.d/inner/file`, 'utf8'), 'inner');
    });

    it('makes files read-only, and writable again for who may write', async () => {
      await mkdir(root);
      await mkdir(`${folder}/volume`);
      await writeFile(`${folder}/volume/file`, '');
      const volumes = new Map([['v', `${folder}/volume`]]);
      const modeAfter = async (readOnly: boolean) => {
        const container = { name: 'c', volumeMounts: [{ name: 'v', mountPath: '/v', readOnly }] };
        await placeMounts({ rootfs: root, folder, container, volumes, hostVolumes: new Set() });
        return (await stat(`${folder}/volume/file`)).mode & 0o222;
      };
      assert.equal(await modeAfter(true), 0);
      assert.equal(await modeAfter(false), 0o200);
    });
  });
});
