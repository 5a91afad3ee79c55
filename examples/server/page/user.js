// One user: profile, identities, roles, history and actions.

import { call, get, query } from './api.js';
import {
  ask, badge, byId, empty, exactly, make, moment, nameOf, plain, say, statusBadge, update,
} from './dom.js';

const HISTORY = 25;

let id = null;
let user = null;
let historyLimit = HISTORY;
let attempt;

const ACTIONS = {
  approve: {
    label: 'Approve', of: ['pending'], style: 'primary', done: 'was approved',
  },
  reactivate: {
    label: 'Reactivate', of: ['deactivated'], style: 'primary', done: 'was reactivated',
    ask: { text: 'Tokens issued from now on are accepted again.' },
  },
  'revoke-tokens': {
    label: 'Revoke tokens', of: ['active', 'pending'], style: '', done: 'needs a fresh token now',
    ask: { text: 'Every token issued until now becomes void. A fresh one is accepted.' },
  },
  deactivate: {
    label: 'Deactivate', of: ['active', 'pending'], style: 'danger', done: 'was deactivated',
    ask: { text: 'The user is refused from the next request on, whatever their tokens contain.', dangerous: true },
  },
};

export async function open(of) {
  if (id !== of) {
    clear();
    id = of;
    byId('user-title').textContent = '…';
  }
  await refresh();
}

/// Removes all data of the user from the page.
export function clear() {
  id = null;
  user = null;
  historyLimit = HISTORY;
  for (const part of ['title', 'status', 'why', 'actions', 'profile', 'grants', 'identities', 'history']) {
    empty(byId(`user-${part}`));
  }
  byId('grant').reset();
}

export async function refresh() {
  const of = id;
  if (!of) return;
  const [found, events] = await Promise.all([
    get(`/users/${encodeURIComponent(of)}`),
    get(`/audit?${query({ user: of, limit: historyLimit })}`),
  ]);
  if (of === id) show(found, events);
}

function show(found, events) {
  user = found;
  byId('user-title').textContent = nameOf(user);
  update(byId('user-status'), user.status, () => [statusBadge(user.status)]);
  const why = [user.status_source && `by ${actor(user.status_source)}`, user.status_reason].filter(Boolean);
  byId('user-why').textContent = user.status === 'active' ? '' : plain(why.join(': '));
  update(byId('user-actions'), user.status, () => Object.entries(ACTIONS)
    .filter(([, action]) => action.of.includes(user.status))
    .map(([name, action]) => {
      const button = make('button', { type: 'button', class: action.style, 'data-key': 'action' }, action.label);
      button.addEventListener('click', () => attempt(() => act(name, action)));
      return button;
    }));
  showProfile();
  showGrants();
  update(byId('user-identities'), user.identities, () => (user.identities.length
    ? user.identities.map((identity) => make('li', { class: 'identity' },
      make('span', { class: 'strong break' }, identity.subject), badge(identity.kind),
      make('span', { class: 'second break' }, identity.issuer),
      make('span', { class: 'second' }, 'since ', moment(identity.created_at))))
    : [make('li', { class: 'muted' }, 'None: no token signs in as this user.')]));
  showHistory(events);
}

function showProfile() {
  const facts = [
    ['E-mail', user.email && [user.email, ' ', user.email_is_verified ? badge('verified', 'good') : badge('unverified')]],
    ['User name', user.username && [user.username]],
    ['Last seen', [moment(user.last_seen_at)]],
    ['Created', [moment(user.created_at)]],
    ['Tokens valid', user.tokens_valid_after && ['issued after ', exactly(user.tokens_valid_after)]],
    ['Password', user.has_password && ['set']],
    ['Edited here', user.local_attributes?.length && [user.local_attributes.join(', ')]],
    ['Id', [make('code', { class: 'break' }, user.id)]],
  ].filter(([, value]) => value);
  update(byId('user-profile'), [user, Math.floor(Date.now() / 10000)], () => facts.flatMap(([name, value]) => [
    make('dt', {}, name), make('dd', {}, ...value)]));
}

function showGrants() {
  byId('grant').hidden = user.status === 'deleted';
  update(byId('user-grants'), user.grants, () => (user.grants.length ? user.grants.map((grant) => {
    const text = [badge(grant.role, 'role'), make('span', { class: 'second break' },
      grant.source === 'manual' ? 'granted by an operator' : `stated by ${grant.source}`)];
    if (grant.source !== 'manual') return make('li', {}, ...text);
    const button = make('button', {
      type: 'button', class: 'quiet', 'data-key': `revoke-${grant.role}`, 'aria-label': `Take back ${grant.role}`,
    }, 'Take back');
    button.addEventListener('click', () => attempt(() => revoke(grant.role)));
    return make('li', {}, ...text, button);
  }) : [make('li', { class: 'muted' }, 'None.')]));
}

function showHistory({ items, next }) {
  update(byId('user-history'), [items, Math.floor(Date.now() / 10000)], () => items.map((event) => make('li', {},
    badge(event.kind.replaceAll('_', ' '), `event-${event.kind}`),
    event.detail ? make('span', { class: 'break' }, event.detail) : null,
    make('span', { class: 'second' }, moment(event.at), ` by ${event.actor ? actor(event.actor) : 'a token'}`))));
  byId('user-history-more').hidden = next === null || historyLimit >= 100;
}

const actor = (name) => (/^[0-9a-f-]{36}$/.test(name) ? `user ${name.slice(-8)}` : name);

async function act(name, action) {
  const of = user;
  let body;
  if (action.ask) {
    const reason = await ask({ title: `${action.label}: ${nameOf(of)}?`, confirm: action.label, ...action.ask });
    if (reason === null) return;
    body = { reason };
  }
  await call('POST', `/users/${of.id}/${name}`, body);
  await refresh();
  say(`${nameOf(of)} ${action.done}.`);
}

async function grant(role) {
  await call('PUT', `/users/${user.id}/roles/${encodeURIComponent(role)}`);
  byId('grant-role').value = '';
  await refresh();
  say(`${nameOf(user)} has the role ${role} now.`);
}

async function revoke(role) {
  const confirmed = await ask({
    title: `Take back ${role}?`, text: `From the next request on, ${nameOf(user)} acts without it.`,
    confirm: 'Take back', dangerous: true, wantsReason: false,
  });
  if (confirmed === null) return;
  await call('DELETE', `/users/${user.id}/roles/${encodeURIComponent(role)}`);
  await refresh();
  say(`${nameOf(user)} lost the role ${role}.`);
}

export function install(run) {
  attempt = run;
  byId('grant').addEventListener('submit', (event) => {
    event.preventDefault();
    const role = byId('grant-role').value.trim();
    if (role) attempt(() => grant(role));
  });
  byId('user-history-more').addEventListener('click', () => {
    historyLimit = Math.min(100, historyLimit + HISTORY);
    attempt(refresh);
  });
}
