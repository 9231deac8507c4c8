#!/usr/bin/env node
// The executable. No TypeScript, so that an older Node can say what it lacks.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `kubectl kmm: expected Node.js 26 (22.18 at the least) as "node" in PATH, got ${process.versions.node}`,
  );
  process.exit(3);
}
await import('./main.ts');
