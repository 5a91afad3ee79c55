// Calls the API with the token, which is kept in this tab and sent in the `Authorization` header.

const KEY = 'operator-token';

export class Problem extends Error {
  constructor(status, code, detail) {
    super(detail || code || `the server answered ${status}`);
    this.status = status;
    this.code = code;
  }
}

export const token = () => sessionStorage.getItem(KEY);
export const forget = () => sessionStorage.removeItem(KEY);
export const remember = (text) => sessionStorage.setItem(KEY, text.trim().replace(/^bearer\s+/i, ''));

export async function call(method, path, body) {
  const headers = { authorization: `Bearer ${token()}` };
  if (body !== undefined) headers['content-type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
    });
  } catch {
    throw new Problem(0, 'unreachable', 'The server does not answer.');
  }
  const text = await answer.text();
  let document = null;
  try {
    document = text ? JSON.parse(text) : null;
  } catch { /* Not a problem document of this server: only the status is reported. */ }
  if (!answer.ok) throw new Problem(answer.status, document?.code, document?.detail);
  return document;
}

export const get = (path) => call('GET', path);

export function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return new URLSearchParams(given).toString();
}
