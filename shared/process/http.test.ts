import assert from 'node:assert/strict';
import { request } from 'undici';
import { type HttpServer, healthPages, serveHttp } from './http.ts';
import { PrometheusMeters } from './metrics.ts';

const loopback = { host: '127.0.0.1', port: 0 };

async function get(server: HttpServer, path: string, method: 'GET' | 'HEAD' | 'POST' = 'GET') {
  const answer = await request(server.url + path, { method, reset: true });
  return { status: answer.statusCode, body: await answer.body.text(), headers: answer.headers };
}

describe('the health pages', () => {
  it('[198] answer that the process is alive, and whether it is ready or why not', async () => {
    let reasons = ['caches are not synced yet'];
    const server = await serveHttp(loopback, { pages: healthPages(() => reasons) });
    try {
      assert.deepEqual((await get(server, '/healthz')).status, 200);
      const early = await get(server, '/readyz');
      assert.deepEqual([early.status, early.body], [503, 'caches are not synced yet']);
      reasons = [];
      const later = await get(server, '/readyz?verbose');
      assert.deepEqual([later.status, later.body], [200, 'ok']);
      assert.equal((await get(server, '/healthz')).status, 200);
    } finally {
      await server.close();
    }
  });

  it('are all that there is', async () => {
    const server = await serveHttp(loopback, { pages: healthPages(() => []) });
    try {
      assert.equal((await get(server, '/')).status, 404);
      assert.equal((await get(server, '/constructor')).status, 404);
      assert.equal((await get(server, '/healthz', 'POST')).status, 405);
      assert.deepEqual((await get(server, '/healthz', 'HEAD')).body, '');
    } finally {
      await server.close();
    }
  });

  it('say when their port is taken', async () => {
    const server = await serveHttp(loopback, { pages: {} });
    try {
      const port = Number(new URL(server.url).port);
      await assert.rejects(serveHttp({ host: '127.0.0.1', port }, { pages: {} }), /EADDRINUSE/);
    } finally {
      await server.close();
    }
  });
});

describe('the metrics page', () => {
  it('shows what was counted, by label', async () => {
    const meters = new PrometheusMeters();
    const options = { name: 'kmm_things_total', help: 'things', labels: ['kind'] };
    meters.counter(options).add({ kind: 'a' }, 2);
    meters.counter(options).add({ kind: 'a' });
    meters.gauge({ name: 'kmm_level', help: 'level', labels: ['of'] }).set(7, { of: 'x' });
    meters.gauge({ name: 'kmm_level', help: 'level', labels: ['of'] }).set(8, { of: 'gone' });
    meters.gauge({ name: 'kmm_level', help: 'level', labels: ['of'] }).remove({ of: 'gone' });
    meters.histogram({ name: 'kmm_seconds', help: 'seconds', buckets: [1, 10] }).observe(5);
    const server = await serveHttp(loopback, { pages: { '/metrics': () => meters.exposition() } });
    try {
      const { body, headers } = await get(server, '/metrics');
      assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
      for (const line of ['kmm_things_total{kind="a"} 3', 'kmm_level{of="x"} 7', 'kmm_seconds_bucket{le="10"} 1']) {
        assert.ok(body.includes(`${line}\n`), line);
      }
      assert.equal(body.includes('gone'), false);
      assert.match(body, /process_resident_memory_bytes \d+/);
    } finally {
      await server.close();
    }
  });

  it('refuses one name for two kinds of meter', () => {
    const meters = new PrometheusMeters();
    meters.counter({ name: 'kmm_x', help: 'x' });
    assert.throws(() => meters.gauge({ name: 'kmm_x', help: 'x' }), /meter kmm_x exists as another type/);
  });
});
