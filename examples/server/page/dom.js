// Creates elements. Data of the API is always inserted as text, never as markup, and without
// characters that change the text direction.

const SVG = 'http://www.w3.org/2000/svg';

export const byId = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function makeSvg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  // `append` inserts strings as text nodes.
  element.append(...children.filter((child) => child !== null).map((child) =>
    child instanceof Node ? child : plain(child)));
  return element;
}

/// Replaces characters that reverse the surrounding text: "\u202enimda" would be displayed as "admin".
export const plain = (text) => String(text).replace(/[\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

const isVisible = (text) => /[^\p{DI}\p{C}\p{Z}\u2800]/u.test(text ?? '');

const contents = new WeakMap();

/// Renders the content only if its key has changed, so that focus and selection are kept.
export function update(container, key, render) {
  const next = JSON.stringify(key);
  if (contents.get(container) === next) return;
  const focused = container.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  contents.set(container, next);
  container.replaceChildren(...render());
  if (focused) {
    const again = [...container.querySelectorAll('[data-key]')].find((e) => e.dataset.key === focused);
    (again ?? byId('main')).focus();
  }
}

export function empty(container) {
  contents.delete(container);
  container.replaceChildren();
}

export function badge(text, kind = '') {
  return make('span', { class: `badge ${kind}`.trim() }, text);
}

export function statusBadge(status) {
  return badge(status, `status-${status}`);
}

const UNITS = [['day', 86400], ['hour', 3600], ['minute', 60]];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const absolute = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

export function ago(text) {
  const at = new Date(text);
  const seconds = Math.round((at - Date.now()) / 1000);
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return Math.abs(seconds) < 5 ? 'just now' : relative.format(Math.trunc(seconds / length), unit);
}

/// Returns a `time` element with the relative time, and the exact time as its tooltip.
export function moment(text, otherwise = 'never') {
  if (!text) return make('span', { class: 'muted' }, otherwise);
  return make('time', { datetime: text, title: exactly(text) }, ago(text));
}

export function exactly(text) {
  return absolute.format(new Date(text));
}

/// Returns the user's first name that has a visible character, so that there is text to click on.
export function nameOf(user) {
  const names = [user.full_name, user.email, user.username];
  return plain(names.find(isVisible) ?? `User ${user.id.slice(-8)}`);
}

let fading;

/// Shows a confirmation in a live region, which screen readers announce.
export function say(text) {
  clearTimeout(fading);
  byId('done').textContent = text;
  fading = setTimeout(() => { byId('done').textContent = ''; }, 6000);
}

/// Shows an error until the next success. `null` hides it.
export function complain(text) {
  byId('notice').textContent = text ?? '';
  byId('notice').hidden = !text;
}

/// Asks for confirmation. Resolves to the entered reason, or to `null` if it was cancelled.
export function ask({ title, text, confirm, dangerous = false, wantsReason = true }) {
  const dialog = byId('dialog');
  byId('dialog-title').textContent = title;
  byId('dialog-text').textContent = text;
  byId('dialog-confirm').textContent = confirm;
  byId('dialog-confirm').className = dangerous ? 'danger' : 'primary';
  byId('dialog-why').hidden = !wantsReason;
  byId('dialog-reason').value = '';
  byId('dialog-cancel').onclick = () => dialog.close('');
  dialog.returnValue = '';
  dialog.showModal();
  byId(wantsReason ? 'dialog-reason' : 'dialog-confirm').focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      resolve(dialog.returnValue === 'confirm' ? byId('dialog-reason').value.trim() : null);
    }, { once: true });
  });
}
