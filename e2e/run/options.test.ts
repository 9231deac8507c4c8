import assert from 'node:assert/strict';
import { optionsOf } from './options.ts';

const files = ['e2e/journeys/main-job.test.ts', 'e2e/journeys/edits.test.ts'];
const all = () => files;

describe('the options of npm run e2e', () => {
  it('are all files on the real control plane without a word', () => {
    assert.deepEqual(optionsOf([], all), { kind: 'run', parts: [{ plane: 'real', files }], all: true, jobs: 3 });
  });

  it('choose files by a part of their names, and the plane', () => {
    const options = optionsOf(['edits', '--plane', 'embedded', '--jobs', '4', '--grep', 'tag'], all);
    assert.deepEqual(options, {
      kind: 'run',
      parts: [{ plane: 'embedded', files: [files[1]] }],
      all: false,
      jobs: 4,
      grep: 'tag',
    });
  });

  for (const [given, expected] of [
    [['--plane', 'cardboard'], /--plane: expected real or embedded, got cardboard/],
    [['--jobs', '0'], /--jobs: expected a number from 2 to 8, got 0/],
    [['mian-job'], /expected a part of a test file's name \(see --list\), got mian-job/],
    [['--plan', 'real'], /--plan/],
    [['--part', 'kernel'], /--part: expected control-plane or real-parts, got kernel/],
    [['--part', 'real-parts', 'edits'], /--part: expected no names beside it, got edits/],
  ] as const) {
    it(`refuse ${given.join(' ')}, and say how`, () => {
      const options = optionsOf([...given], all);
      assert.equal(options.kind === 'stop' && options.code, 2);
      assert.match(options.kind === 'stop' ? options.text : '', expected);
    });
  }

  it('tell what there is', () => {
    assert.deepEqual(optionsOf(['--list'], all), { kind: 'stop', text: files.join('\n'), code: 0 });
  });

  it('are the real parts after all others, on the embedded control plane; each alone when it is asked for', () => {
    const isRealPart = (file: string) => file === files[0];
    const seen = (...given: string[]) => {
      const options = optionsOf(given, all, isRealPart);
      return options.kind === 'run' ? { parts: options.parts, all: options.all } : options.text;
    };
    const others = { plane: 'real', files: [files[1]] };
    const realParts = { plane: 'embedded', files: [files[0]] };
    assert.deepEqual(seen(), { parts: [others, realParts], all: true });
    assert.deepEqual(seen('--part', 'control-plane'), { parts: [others], all: true });
    assert.deepEqual(seen('--part', 'real-parts'), { parts: [realParts], all: false });
    assert.deepEqual(seen('main-job'), { parts: [{ plane: 'real', files: [files[0]] }], all: false });
  });
});
