// The trusted issuers and their keys.

import { get } from './api.js';
import { badge, byId, make, moment, update } from './dom.js';

function health({ keys, last_error: error }) {
  if (keys === 0) return badge('no keys', 'bad');
  return error ? badge('serving known keys', 'warn') : badge('ok', 'good');
}

export async function refresh() {
  const { items } = await get('/issuers');
  update(byId('issuers'), items, () => items.map((issuer) => make('li', { class: 'card' },
    make('div', { class: 'head' }, make('h2', { class: 'break' }, issuer.issuer), health(issuer)),
    make('dl', { class: 'facts' },
      make('dt', {}, 'Keys'), make('dd', {}, issuer.keys),
      make('dt', {}, 'Fetched'), make('dd', {}, moment(issuer.fetched_at, 'not yet, or configured by hand')),
      ...(issuer.last_error ? [
        make('dt', {}, 'Last error'),
        make('dd', { class: 'break' }, issuer.last_error.error, ' (', moment(issuer.last_error.at), ')'),
      ] : [])))));
}
