import { relative } from 'node:path';
import type { TestResult } from './reporter.ts';

/** Characters of an error that are shown: a comparison of two big objects is cut, its place in the file is not. */
const longest = 4000;

/** One failed test as `.ci/run` repeats it at its end: file, titles and error; paths below `folder` as seen from there. */
export function failureText({ file, suites, title, error = 'no error was noted' }: TestResult, folder: string): string {
  const lines = error.replaceAll(`file://${folder}/`, '').replaceAll(`${folder}/`, '').split('\n');
  const isFrame = (line: string) => /^\s+at /.test(line);
  const message = lines.filter((line) => !isFrame(line)).join('\n');
  const shown = message.length > longest ? `${message.slice(0, longest)}\n[${message.length - longest} more]` : message;
  const frames = lines.filter((line) => isFrame(line) && !line.includes('node_modules/') && !line.includes('node:'));
  return [`failed: ${relative(folder, file)}: ${[...suites, title].join(' > ')}`, shown, ...frames]
    .flatMap((text) => text.split('\n'))
    .map((line, index) => (index === 0 ? line : `  ${line}`))
    .join('\n');
}
