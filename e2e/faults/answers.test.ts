import { type Trouble, tellStories } from './trouble.ts';

/** In each step, what the watches of these kinds say comes 15 s later than what those of the others say. */
function late(hubs: string, spokes: string): Trouble {
  return {
    name: `the hub hears of its ${hubs}, and the spoke of its ${spokes}, later than of all else`,
    rules: [{ fault: { type: 'hold-events' }, resources: [hubs, spokes] }],
    lastsMs: 15_000,
  };
}

tellStories('the main job, when servers answer what one does not like to hear,', [
  {
    name: 'each third change conflicts',
    rules: [{ fault: { type: 'refuse', code: 409 }, verbs: ['update', 'patch'], every: 3 }],
  },
  {
    name: 'watches break and are told thrice that their version is too old',
    rules: [{ fault: { type: 'refuse', code: 410 }, verbs: ['watch'], count: 3 }],
    lastsMs: 5_000,
  },
  {
    name: 'each fifth request is one too many, with two seconds to wait',
    rules: [{ fault: { type: 'refuse', code: 429, retryAfterSeconds: 2 }, every: 5 }],
  },
  { name: 'each fifth request meets an internal error', rules: [{ fault: { type: 'refuse', code: 500 }, every: 5 }] },
  late('managedclustermodules', 'modules'),
  late('manifestworks', 'daemonsets'),
  late('managedclusters', 'nodes'),
  late('controllerrevisions', 'pods'),
]);
