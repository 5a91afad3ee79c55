// Explains why a token is accepted or refused.

import { call } from './api.js';
import { badge, byId, make } from './dom.js';

const OUTCOMES = {
  created: 'A new user would be created', found: 'The user would be let in',
  linked: 'The user would be linked and let in', updated: 'The user would be updated and let in',
};
const MARKS = { failed: '✗', noted: '·', passed: '✓', skipped: '–' };

async function explain(token) {
  const { outcome, refused, steps } = await call('POST', '/explain', { token });
  byId('verdict').replaceChildren(
    outcome ? OUTCOMES[outcome] ?? outcome : 'This request would be refused',
    ' ',
    outcome ? badge(outcome, 'good') : badge(refused, 'bad'),
  );
  byId('steps').replaceChildren(...steps.map(({ name, result, detail }) => make('li', { class: `step-${result}` },
    make('span', { class: 'mark', role: 'img', 'aria-label': result }, MARKS[result] ?? '?'),
    make('span', { class: 'strong' }, name),
    make('span', { class: 'break' }, detail))));
  byId('explanation').hidden = false;
  byId('verdict').focus();
}

export function clear() {
  byId('explain').reset();
  byId('explanation').hidden = true;
  byId('steps').replaceChildren();
}

export function install(attempt) {
  byId('explain').addEventListener('submit', (event) => {
    event.preventDefault();
    attempt(() => explain(byId('explain-token').value));
  });
}
