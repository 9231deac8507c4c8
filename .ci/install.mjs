// Run by the machine's own Node (any from 20 on) before `npm start` and `npm test`: installs the packages when the lock
// file's are not there yet, Node 26 among them, which npm then finds in node_modules/.bin for everything that follows.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = `${root}node_modules/.installed-lock`;
/** The first release that runs TypeScript files as they are. */
const nodeWithTypeStripping = [22, 18];

requireNode(
  process.versions.node,
  [20, 0],
  'Install Node.js 20 or newer (https://nodejs.org) and run the command again.',
);
const lock = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  install();
  writeFileSync(stamp, lock);
}
if (!existsSync(`${root}node_modules/.bin/node`)) {
  requireNode(
    process.versions.node,
    nodeWithTypeStripping,
    `No packaged Node.js 26 exists for ${process.platform}-${process.arch}: install Node.js 26 yourself and run the command again.`,
  );
}

function install() {
  console.log('Installing the packages of package-lock.json (once, about half a minute) …');
  const npm = process.env.npm_execpath;
  const [command, args] = npm ? [process.execPath, [npm]] : ['npm', []];
  const run = spawnSync(command, [...args, 'ci', '--loglevel=error', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (run.status === 0) return;
  console.error(
    'The installation failed: see npm\'s message above. It needs the npm registry (or a mirror set with "npm config set registry").',
  );
  process.exit(1);
}

function requireNode(seen, [major, minor], advice) {
  const [seenMajor = 0, seenMinor = 0] = seen.split('.').map(Number);
  if (seenMajor > major || (seenMajor === major && seenMinor >= minor)) return;
  console.error(`Expected Node.js ${major}.${minor} or newer, got ${seen}. ${advice}`);
  process.exit(1);
}
