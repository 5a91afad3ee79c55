// Makes elements. Whatever comes from the API becomes text, never markup, and turns no text around.

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
  // `append` takes a string as text.
  element.append(...children.filter((child) => child !== null).map((child) =>
    child instanceof Node ? child : plain(child)));
  return element;
}

/// Shows characters that reverse what is around them, so that "\u202enimda" does not read as "admin".
export const plain = (text) => String(text).replace(/[\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

const isVisible = (text) => /[^\p{DI}\p{C}\p{Z}\u2800]/u.test(text ?? '');

const contents = new WeakMap();

/// Shows what is different, and leaves what is the same in place: focus and selection stay.
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

/// A moment, as it is from now; exactly, where somebody points.
export function moment(text, otherwise = 'never') {
  if (!text) return make('span', { class: 'muted' }, otherwise);
  return make('time', { datetime: text, title: exactly(text) }, ago(text));
}

export function exactly(text) {
  return absolute.format(new Date(text));
}

/// What a user is called: the first of his names with anything to see, and to click on, in it.
export function nameOf(user) {
  const names = [user.full_name, user.email, user.username];
  return plain(names.find(isVisible) ?? `User ${user.id.slice(-8)}`);
}

let fading;

/// Says what was done, also to who does not see it.
export function say(text) {
  clearTimeout(fading);
  byId('done').textContent = text;
  fading = setTimeout(() => { byId('done').textContent = ''; }, 6000);
}

/// Says what went wrong, until something goes well.
export function complain(text) {
  byId('notice').textContent = text ?? '';
  byId('notice').hidden = !text;
}

/// Asks before something is done. Gives the reason that was entered, or nothing if it was cancelled.
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
