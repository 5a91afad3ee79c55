// The list of users: newest first, refreshed while it is visible.

import { get, query } from './api.js';
import { badge, byId, make, moment, nameOf, statusBadge } from './dom.js';

const PAGE = 25;
const MAX_LIMIT = 100;

const rows = new Map();
let limit = PAGE;
let older = [];
let next = null;
let generation = 0;

function parameters() {
  return {
    newest_first: true,
    search: byId('search').value.trim(),
    status: byId('status').value,
    role: byId('role').value.trim(),
  };
}

export async function refresh() {
  generation += 1;
  const own = generation;
  const page = await get(`/users/?${query({ ...parameters(), limit })}`);
  // A later request has been sent, for example by further typing.
  if (own !== generation) return;
  if (older.length === 0) next = page.next;
  show([...page.items, ...older]);
}

function show(users) {
  const body = byId('users').tBodies[0];
  const shown = new Set(users.map((user) => user.id));
  for (const [id, row] of rows) {
    if (!shown.has(id)) {
      row.element.remove();
      rows.delete(id);
    }
  }
  users.forEach((user, index) => {
    const element = row(user);
    if (body.children[index] !== element) body.insertBefore(element, body.children[index] ?? null);
  });
  byId('users-empty').hidden = users.length > 0;
  byId('users').hidden = users.length === 0;
  byId('more').hidden = next === null;
  byId('users-count').textContent = users.length === 0 ? ''
    : `${users.length} ${users.length === 1 ? 'user' : 'users'}${next === null ? '' : ' shown'}`;
}

/// Returns the user's row. Existing rows are reused, so that focus and selection are kept.
function row(user) {
  const content = JSON.stringify([user, Math.floor(Date.now() / 10000)]);
  const known = rows.get(user.id);
  if (known?.content === content) return known.element;
  const element = known?.element ?? make('tr', { role: 'row', 'data-user': user.id });
  const link = element.querySelector('a') ?? make('a', { href: `#users/${user.id}` });
  link.textContent = nameOf(user);
  const cell = (label, ...children) => make('td', { role: 'cell', 'data-label': label }, ...children);
  const address = user.email && user.email !== nameOf(user)
    ? make('span', { class: 'second' }, user.email) : null;
  const roles = user.roles.map((role) => badge(role, 'role'));
  const cells = [
    cell('Status', statusBadge(user.status)),
    cell('Roles', ...(roles.length ? roles : [make('span', { class: 'muted' }, 'none')])),
    cell('Last seen', moment(user.last_seen_at)),
    cell('Created', moment(user.created_at)),
  ];
  if (known) {
    // The first cell is kept: its link may have the focus.
    element.cells[0].replaceChildren(...[link, address].filter(Boolean));
    while (element.cells.length > 1) element.cells[1].remove();
    element.append(...cells);
  } else {
    element.append(make('td', { role: 'cell', class: 'who' }, link, address), ...cells);
  }
  rows.set(user.id, { element, content });
  return element;
}

async function more() {
  if (limit < MAX_LIMIT) {
    limit += PAGE;
    await refresh();
    return;
  }
  const page = await get(`/users/?${query({ ...parameters(), limit: PAGE, after: next })}`);
  older.push(...page.items);
  next = page.next;
  await refresh();
}

/// Removes all users from the page.
export function clear() {
  generation += 1;
  byId('filter').reset();
  [limit, older, next] = [PAGE, [], null];
  show([]);
}

export function install(attempt) {
  let typing;
  const again = () => {
    limit = PAGE;
    older = [];
    attempt(refresh);
  };
  byId('filter').addEventListener('submit', (event) => {
    event.preventDefault();
    again();
  });
  byId('filter').addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(again, 200);
  });
  byId('more').addEventListener('click', () => attempt(more));
}
