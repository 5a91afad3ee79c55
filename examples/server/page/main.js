// Sign-in and sign-out, routing between views, and the periodic refresh.

import * as activity from './activity.js';
import { forget, get, remember, token } from './api.js';
import { byId, complain, nameOf } from './dom.js';
import * as explain from './explain.js';
import * as issuers from './issuers.js';
import * as user from './user.js';
import * as users from './users.js';

const EVERY = 2000;
const VIEWS = {
  users: { title: 'Users', refresh: users.refresh },
  user: { title: 'User', refresh: user.refresh },
  activity: { title: 'Activity', refresh: activity.refresh },
  issuers: { title: 'Issuers', refresh: issuers.refresh },
  explain: { title: 'Explain a token' },
  'sign-in': { title: 'Sign in' },
};

let shown = null;
let isSignedIn = false;

let isStale = false;

/// Runs `work` and shows its error. A success in the background only clears errors that occurred in
/// the background.
async function attempt(work, inBackground = false) {
  try {
    await work();
    if (!inBackground || isStale) complain(null);
    isStale = false;
  } catch (problem) {
    isStale = inBackground;
    if (problem.status === 401) {
      signOut('The token is no longer valid. Sign in with a fresh one.');
    } else if (isSignedIn && problem.status === 403) {
      signOut('You are no longer an administrator.');
    } else {
      complain(problem.message);
      if (problem.status === undefined) throw problem;
    }
  }
}

function show(name, wantsFocus) {
  if (shown !== name) {
    shown = name;
    for (const view of Object.keys(VIEWS)) byId(`view-${view}`).hidden = view !== name;
    complain(null);
  }
  document.title = `${VIEWS[name].title} · operator`;
  for (const link of byId('nav').children) {
    const isCurrent = link.hash === `#${name}` || (name === 'user' && link.hash === '#users');
    if (isCurrent) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (wantsFocus) byId(`view-${name}`).querySelector('h1').focus();
}

async function route(wantsFocus) {
  if (!isSignedIn) {
    show('sign-in', false);
    return;
  }
  const [name, id] = decodeURIComponent(location.hash.slice(1)).split('/');
  if (name === 'main') return;
  if (name === 'users' && id) {
    show('user', wantsFocus);
    await attempt(() => user.open(id));
    return;
  }
  const view = ['users', 'activity', 'issuers', 'explain'].includes(name) ? name : 'users';
  show(view, wantsFocus);
  if (VIEWS[view].refresh) await attempt(VIEWS[view].refresh);
}

async function signIn() {
  const me = await get('/users/me');
  if (!me.roles.includes('admin')) {
    forget();
    complain(`${nameOf(me)} is no administrator.`);
    return;
  }
  isSignedIn = true;
  byId('token').value = '';
  byId('who').textContent = nameOf(me);
  byId('nav').hidden = false;
  byId('session').hidden = false;
  await route(true);
}

async function trySigningIn() {
  try {
    complain(null);
    await signIn();
  } catch (problem) {
    forget();
    const isRefused = problem.status === 400 || problem.status === 401;
    complain(isRefused ? 'This token is not accepted.' : problem.message);
  }
}

function signOut(why) {
  forget();
  isSignedIn = false;
  byId('nav').hidden = true;
  byId('session').hidden = true;
  byId('who').textContent = '';
  if (byId('dialog').open) byId('dialog').close('');
  users.clear();
  user.clear();
  explain.clear();
  show('sign-in', false);
  complain(why);
  byId('token').focus();
}

byId('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  remember(byId('token').value);
  trySigningIn();
});
byId('sign-out').addEventListener('click', () => signOut(null));
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId('main').focus();
});
addEventListener('hashchange', () => route(true));
users.install(attempt);
user.install(attempt);
explain.install(attempt);

/// Refreshes the visible view periodically. Each refresh starts after the previous one has finished.
async function keepUp() {
  const refresh = VIEWS[shown]?.refresh;
  if (isSignedIn && refresh && !document.hidden && !byId('dialog').open) {
    await attempt(refresh, true).catch(() => {});
  }
  setTimeout(keepUp, EVERY);
}

if (token()) await trySigningIn();
else await route(false);
if (!isSignedIn) await route(false);
setTimeout(keepUp, EVERY);
