// A certified OpenID provider for the tests: `node issuer.mjs KEYS_FILE PORT KEY...`.
//
// Prints `listening URL`, then executes commands from its standard input, and prints one line per command:
//
//     keys KEY...  publishes these keys and no others; the first one signs
//     asked        prints the number of requests for each path
//
// A key is named after its algorithm: `RS256-a`. It is generated on first use and stored in
// KEYS_FILE, so that a restarted issuer has the same keys. Exits at the end of its standard input.

import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import Provider from 'oidc-provider';
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';

const PAIRS = {
  EdDSA: () => generateKeyPairSync('ed25519'),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

const PEOPLE = {
  ana: { email: 'ana@example.com', email_verified: true, name: 'Ana Pérez' },
};

const [keysFile, port, ...firstKeys] = process.argv.slice(2);
const keys = existsSync(keysFile) ? JSON.parse(readFileSync(keysFile)) : {};
// Outlives the provider objects, because every change of keys creates a new one.
const adapter = createMemoryAdapter();
const asked = {};
let handle;

function key(kid) {
  const alg = kid.split('-')[0];
  if (!keys[kid]) {
    keys[kid] = { ...PAIRS[alg]().privateKey.export({ format: 'jwk' }), alg, kid, use: 'sig' };
    writeFileSync(keysFile, JSON.stringify(keys));
  }
  return keys[kid];
}

function publish(issuer, kids) {
  const published = kids.map(key);
  const [{ alg, kid }] = published;
  const provider = new Provider(issuer, {
    adapter,
    jwks: { keys: published },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    clients: [
      {
        client_id: 'orders-web',
        client_secret: 'the secret of orders-web',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['http://127.0.0.1/callback'],
      },
      {
        client_id: 'orders-worker',
        client_secret: 'the secret of orders-worker',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    clientDefaults: { id_token_signed_response_alg: alg },
    enabledJWA: { idTokenSigningAlgValues: Object.keys(PAIRS) },
    conformIdTokenClaims: false,
    cookies: { keys: ['signs cookies'] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          accessTokenFormat: 'jwt',
          accessTokenTTL: 3600,
          audience: 'orders-api',
          jwt: { sign: { alg, kid } },
          scope: 'orders:read',
        }),
      },
    },
    extraTokenClaims: (_, token) => PEOPLE[token.accountId],
    findAccount: (_, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, ...PEOPLE[accountId] }),
    }),
    pkce: { required: () => true },
    ttl: {
      ClientCredentials: 3600,
      Grant: 3600,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 3600,
      Session: 3600,
    },
  });
  handle = provider.callback();
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://127.0.0.1');
  asked[pathname] = (asked[pathname] ?? 0) + 1;
  handle(request, response);
});

server.listen(Number(port), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  publish(issuer, firstKeys);
  console.log(`listening ${issuer}`);

  const control = createInterface({ input: process.stdin });
  control.on('line', (line) => {
    const [command, ...names] = line.split(' ');
    if (command === 'keys') {
      publish(issuer, names);
      console.log(line);
    } else {
      console.log(JSON.stringify(asked));
    }
  });
  control.on('close', () => process.exit());
});
