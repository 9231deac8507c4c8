import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dateScript } from './stand-ins.ts';

describe('the stand-in of date', () => {
  const baseSeconds = 1_700_000_000;
  let folder: string;
  const date = (...args: string[]) =>
    execFileSync('/bin/sh', [join(folder, 'date'), ...args], { encoding: 'utf8' }).trim();

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'date-'));
    writeFileSync(join(folder, 'date'), dateScript(10, baseSeconds));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes a file ten times as old as it is', () => {
    const file = join(folder, 'date');
    utimesSync(file, baseSeconds + 7, baseSeconds + 7);
    assert.equal(date('-r', file, '+%s'), String(baseSeconds + 70));
    const now = Number(date('+%s'));
    assert.ok(now - baseSeconds > 9 * (Number(execFileSync('date', ['+%s'])) - baseSeconds));
  });

  it('fails as date does, and is date in all else', () => {
    assert.throws(() => date('-r', join(folder, 'absent'), '+%s'));
    assert.match(date('+%Y'), /^\d{4}$/);
  });
});
