// Live counters, and their course over the last minutes.

import { get } from './api.js';
import { byId, exactly, make, update } from './dom.js';
import { Plot } from './plot.js';

const POINTS = 60;
const TILES = [
  ['Requests', 'requests'], ['Logins', 'logins'], ['Created', 'created'], ['Linked', 'linked'],
  ['Denied', 'refused'],
];

const counts = new Plot(byId('counts'), 'Logins, creations and denials over time; arrow keys read single points', [
  { name: 'Logins', key: 'logins' }, { name: 'Created', key: 'created' }, { name: 'Denied', key: 'refused' },
], 4);
const latency = new Plot(byId('latency'), 'Time to decide on a request over time; arrow keys read single points', [
  { name: 'Median', key: 'median' }, { name: '95 of 100', key: 'p95' },
], 1);

/// Returns the series as 60 points. Intervals without requests are zero. The current interval is left
/// out: it is incomplete and would look like a drop.
export function points({ now, interval_seconds: interval, series }, minutes) {
  const width = Math.max(interval, (minutes * 60) / POINTS);
  const end = now - (now % width);
  const start = end - width * POINTS;
  const result = Array.from({ length: POINTS }, (_, index) => ({
    at: start + index * width, logins: 0, created: 0, refused: 0, median: null, p95: null,
  }));
  for (const bucket of series) {
    const point = result[Math.floor((bucket.at - start) / width)];
    if (!point) continue;
    for (const key of ['logins', 'created', 'refused']) point[key] += bucket[key];
    for (const key of ['median', 'p95']) {
      const value = bucket.latency_ms[key];
      if (value !== null) point[key] = Math.max(point[key] ?? 0, value);
    }
  }
  return result;
}

export async function refresh() {
  const statistics = await get('/statistics');
  const { total, since } = statistics;
  update(byId('tiles'), [total, since], () => TILES.map(([name, key]) => make('div', { class: 'tile' },
    make('dt', {}, name), make('dd', { id: `total-${key}` }, total[key].toLocaleString('en')))));
  byId('tiles').title = `Since ${exactly(since)}`;
  const shown = points(statistics, Number(byId('range').value));
  counts.show(shown);
  latency.show(shown);
  const reasons = Object.entries(total.reasons).sort(([, a], [, b]) => b - a);
  const most = reasons[0]?.[1] ?? 1;
  update(byId('reasons'), reasons, () => (reasons.length ? reasons.map(([reason, count]) => make('li', {},
    make('code', {}, reason),
    make('meter', { max: most, value: count, 'aria-hidden': 'true' }),
    make('span', { class: 'count' }, count.toLocaleString('en'))))
    : [make('li', { class: 'muted' }, 'Nobody was denied since the start.')]));
}

byId('range').addEventListener('change', () => refresh().catch(() => {}));
