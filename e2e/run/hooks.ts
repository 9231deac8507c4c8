// Root hooks of `npm run e2e`: in a parallel run they surround each test file.
import { appendFileSync } from 'node:fs';
import { basename } from 'node:path';
import { systemClock } from '../../shared/core/clock.ts';
import { takeTally } from '../world/fleet/tally.ts';
import { reportVariable, type Taken } from './report.ts';

let beganMs = 0;

export const mochaHooks = {
  beforeAll() {
    beganMs = systemClock.now();
    takeTally();
  },
  afterAll(this: Mocha.Context) {
    const report = process.env[reportVariable];
    const path = this.test?.parent?.suites.at(-1)?.file;
    if (!report || path === undefined) return;
    const taken: Taken = { file: basename(path), seconds: (systemClock.now() - beganMs) / 1000, ...takeTally() };
    appendFileSync(report, `${JSON.stringify(taken)}\n`);
  },
};
