"""Valid and invalid tokens of four Python libraries, with the result of each library for every token.

Called with a seed and a number of random mutations; writes one JSON document: the key set, and a list
of tokens, each with the library that made it, whether it is valid, and the libraries that accept it.
"""

import base64
import json
import random
import sys
import time
import warnings

warnings.simplefilter("ignore")

import jwt as pyjwt
from authlib.jose import JsonWebKey, JsonWebToken
from joserfc import jwt as jose
from joserfc.jwk import KeySet
from jwcrypto import jwk, jwt as crypto

ISSUER, AUDIENCE = "https://id.example.com", "orders-api"
ALGORITHMS = ["RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"]
KINDS = {
    "RS": dict(kty="RSA", size=2048),
    "PS": dict(kty="RSA", size=2048),
    "ES256": dict(kty="EC", crv="P-256"),
    "ES384": dict(kty="EC", crv="P-384"),
    "ES512": dict(kty="EC", crv="P-521"),
    "EdDSA": dict(kty="OKP", crv="Ed25519"),
}


def generate(alg):
    kind = KINDS.get(alg) or KINDS[alg[:2]]
    return jwk.JWK.generate(kid=f"{alg}-key", alg=alg, use="sig", **kind)


def pad(part):
    return part + "=" * (-len(part) % 4)


def compact(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


KEYS = {alg: generate(alg) for alg in ALGORITHMS}
PUBLIC = {"keys": [key.export_public(as_dict=True) for key in KEYS.values()]}
BY_KID = {key["kid"]: key for key in PUBLIC["keys"]}
JOSE_KEYS = KeySet.import_key_set(PUBLIC)
AUTHLIB_KEYS = JsonWebKey.import_key_set(PUBLIC)
CRYPTO_KEYS = jwk.JWKSet.from_json(json.dumps(PUBLIC))


def minted_by_joserfc(header, claims):
    key = KeySet.import_key_set({"keys": [KEYS[header["alg"]].export(as_dict=True)]}).keys[0]
    return jose.encode(header, claims, key, algorithms=ALGORITHMS)


def minted_by_pyjwt(header, claims):
    key = pyjwt.PyJWK(KEYS[header["alg"]].export(as_dict=True))
    return pyjwt.encode(claims, key, algorithm=header["alg"], headers=header)


def minted_by_authlib(header, claims):
    key = JsonWebKey.import_key(KEYS[header["alg"]].export(as_dict=True))
    return JsonWebToken(ALGORITHMS).encode(header, claims, key).decode()


def minted_by_jwcrypto(header, claims):
    token = crypto.JWT(header=header, claims=claims)
    token.make_signed_token(KEYS[header["alg"]])
    return token.serialize()


def accepted_by_joserfc(token):
    decoded = jose.decode(token, JOSE_KEYS, algorithms=ALGORITHMS)
    need = lambda **value: dict(essential=True, **value)
    rules = dict(iss=need(value=ISSUER), aud=need(value=AUDIENCE), exp=need(), sub=need())
    jose.JWTClaimsRegistry(leeway=60, **rules).validate(decoded.claims)


def accepted_by_pyjwt(token):
    key = pyjwt.PyJWK(BY_KID[pyjwt.get_unverified_header(token)["kid"]])
    required = {"require": ["exp", "iss", "aud", "sub"]}
    pyjwt.decode(
        token, key, algorithms=[key.algorithm_name], audience=AUDIENCE, issuer=ISSUER,
        leeway=60, options=required,
    )


def accepted_by_authlib(token):
    need = lambda **value: dict(essential=True, **value)
    options = dict(iss=need(value=ISSUER), aud=need(value=AUDIENCE), exp=need(), sub=need())
    decoded = JsonWebToken(ALGORITHMS).decode(token, AUTHLIB_KEYS, claims_options=options)
    decoded.validate(leeway=60)


def accepted_by_jwcrypto(token):
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": None, "sub": None}
    crypto.JWT(jwt=token, key=CRYPTO_KEYS, algs=ALGORITHMS, check_claims=claims)


MINTERS = {name[10:]: of for name, of in list(globals().items()) if name.startswith("minted_by_")}
PEERS = {name[12:]: of for name, of in list(globals().items()) if name.startswith("accepted_by_")}


def accepts(peer, token):
    try:
        PEERS[peer](token)
        return True
    except Exception:
        return False


def good(alg):
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ana", "iat": now, "exp": now + 3600}
    return {"alg": alg, "typ": "JWT", "kid": f"{alg}-key"}, claims


def faults(now):
    """What is done to good claims and headers before they are signed: name, header, claims."""
    claims = [
        ("expired", {"exp": now - 3600}), ("no exp", {"exp": None}), ("exp text", {"exp": "later"}),
        ("nbf ahead", {"nbf": now + 3600}), ("nbf text", {"nbf": "soon"}),
        ("another audience", {"aud": "billing"}), ("audience prefix", {"aud": "orders"}),
        ("no audience", {"aud": None}), ("audience object", {"aud": {"orders-api": 1}}),
        ("another issuer", {"iss": "https://evil.example.com"}), ("issuer slash", {"iss": ISSUER + "/"}),
        ("issuer list", {"iss": [ISSUER]}), ("no issuer", {"iss": None}), ("no subject", {"sub": None}),
        ("subject number", {"sub": 5}), ("iat ahead", {"iat": now + 3600}),
    ]
    headers = [
        ("crit", {"crit": ["exp"]}), ("unknown crit", {"crit": ["x"], "x": 1}), ("kid", {"kid": "none"}),
        ("another key's kid", {"kid": "RS512-key"}), ("embedded key", {"jwk": PUBLIC["keys"][0]}),
    ]
    return [(name, {}, change) for name, change in claims] + [
        (name, change, {}) for name, change in headers
    ]


def raw(alg, header, claims):
    """Signed whatever it says, as no library would."""
    from jwcrypto.jwa import JWA

    message = f"{compact(header)}.{compact(claims)}"
    signature = JWA.signing_alg(alg).sign(KEYS[alg], message.encode())
    return f"{message}.{compact(signature)}"


def changed(value, change):
    merged = {**value, **change}
    return {name: member for name, member in merged.items() if member is not None}


def mutated(token, dice):
    """A token with some characters or one part changed, or cut."""
    characters = list(token)
    for _ in range(dice.choice([1, 1, 1, 2, 5])):
        at = dice.randrange(len(characters))
        how = dice.randrange(4)
        if how == 0:
            characters[at] = dice.choice("ABCabc012-_.=+/ ")
        elif how == 1:
            del characters[at]
        elif how == 2:
            characters.insert(at, dice.choice("Aa0-_.= "))
        else:
            characters[at] = chr(ord(characters[at]) ^ 1)
    return "".join(characters)


def main():
    seed, mutations = int(sys.argv[1]), int(sys.argv[2])
    dice = random.Random(seed)
    tokens = []

    def add(made_by, name, token, is_good):
        accepted = [peer for peer in PEERS if accepts(peer, token)]
        tokens.append(dict(made_by=made_by, name=name, token=token, good=is_good, accepted=accepted))

    for alg in ALGORITHMS:
        header, claims = good(alg)
        now = claims["iat"]
        fine = [
            ("plain", {}), ("audiences", {"aud": ["billing", AUDIENCE]}), ("nbf", {"nbf": now}),
            ("extra", {"email": "ana@example.com", "nested": {"a": [1, None, True]}}),
            ("umlauts", {"name": "Jürgen Ä \U0001f600"}), ("fraction", {"exp": now + 3600.5}),
        ]
        for minter, mint in MINTERS.items():
            for name, change in fine:
                add(minter, name, mint(dict(header), changed(claims, change)), True)
        for name, head, body in faults(now):
            token = raw(alg, changed(header, head), changed(claims, body))
            # No library has to use a key embedded in the token, and the fourth one rejects it.
            is_good = name == "embedded key" or head.get("kid") == header["kid"]
            add("raw", name, token, is_good)
        unsigned = f"{compact({**header, 'alg': 'none'})}.{compact(claims)}."
        add("raw", "alg none", unsigned, False)
        # The public key as a shared secret.
        secret = jwk.JWK(kty="oct", k=compact(KEYS[alg].export_to_pem()))
        from jwcrypto.jwa import JWA
        message = f"{compact({**header, 'alg': 'HS256'})}.{compact(claims)}"
        forged = JWA.signing_alg("HS256").sign(secret, message.encode())
        add("raw", "public key as secret", f"{message}.{compact(forged)}", False)
    whole = [token["token"] for token in tokens if token["made_by"] != "raw"]
    for number in range(mutations):
        add("mutation", f"{seed}/{number}", mutated(dice.choice(whole), dice), None)
    json.dump({"jwks": PUBLIC, "peers": list(PEERS), "tokens": tokens}, sys.stdout)


main()
