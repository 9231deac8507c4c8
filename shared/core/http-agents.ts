import { createRequire } from 'node:module';
import type * as undici from 'undici';

/**
 * undici's agents, without the rest of undici: its index loads fetch, WebSockets, caches and mocks, and thereby Node's own
 * copy of undici too; that is 8 MB of memory on every node that runs a program of ours, for nothing. What is required
 * here is no documented path of undici: an upgrade that moves it fails at the first import.
 */
const require = createRequire(import.meta.url);
const Dispatcher = require('undici/lib/dispatcher/dispatcher.js') as typeof undici.Dispatcher;
// The index does the same: the methods `request`, `stream` and so on are no part of the class.
Object.assign(Dispatcher.prototype, require('undici/lib/api/index.js'));

export const Agent = require('undici/lib/dispatcher/agent.js') as typeof undici.Agent;
export const ProxyAgent = require('undici/lib/dispatcher/proxy-agent.js') as typeof undici.ProxyAgent;
