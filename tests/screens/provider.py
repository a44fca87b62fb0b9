"""A small OpenID provider on loopback: discovery, sign-in page, token endpoint and keys; strict as the standard is, bent where a test bends it."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "chaukas-app", "a secret / of : ours"
Claims = dict[str, Any]


def packed(content: bytes | Claims) -> str:
    """Bytes, or an object as JSON, as a part of a token."""
    raw = json.dumps(content).encode() if isinstance(content, dict) else content
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    """A whole number as a part of a key."""
    return packed(value.to_bytes((value.bit_length() + 7) // 8))


def new_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key pair."""
    return rsa.generate_private_key(65537, bits)


def public_form(key: rsa.RSAPrivateKey, kid: str) -> Claims:
    """The key as the set of keys has it."""
    known = key.public_key().public_numbers()
    return {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": number(known.n), "e": number(known.e)}


def signed(claims: Claims, key: rsa.RSAPrivateKey, **header: Any) -> str:
    """A token."""
    text = f"{packed({'alg': 'RS256', 'kid': 'k1', **header})}.{packed(claims)}"
    return f"{text}.{packed(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


@dataclass
class Provider:
    """The provider and how it is bent: `claims` changes what an ID token says, `sign` makes the token of them, `told` changes the discovery."""

    address: str
    key: rsa.RSAPrivateKey
    user: Claims = field(default_factory=lambda: {"sub": "u-1", "email": "Meera@Example.org", "email_verified": True})
    claims: Callable[[Claims], Claims] = lambda claims: claims
    sign: Callable[[Claims], str] | None = None
    told: Claims = field(default_factory=dict)
    kid: str = "k1"
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Starlette:
        """The addresses."""
        return Starlette(routes=[
            Route("/.well-known/openid-configuration", self._configuration), Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]), Route("/keys", self._keys),
        ])  # fmt: skip

    async def _configuration(self, _: Request) -> Response:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        base = {name: f"{self.address}/{at}" for name, at in places.items()}
        return JSONResponse({"issuer": self.address, **base, **self.told})

    async def _keys(self, _: Request) -> Response:
        self.asked.append("keys")
        return JSONResponse({"keys": [public_form(self.key, self.kid)]})

    async def _authorize(self, request: Request) -> Response:
        given = dict(request.query_params)
        assert given["response_type"] == "code"
        assert given["client_id"] == CLIENT
        assert given["code_challenge_method"] == "S256"
        assert "openid" in given["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = given
        return RedirectResponse(f"{given['redirect_uri']}?{urlencode({'code': code, 'state': given['state']})}", 303)

    async def _token(self, request: Request) -> Response:
        given = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        begun = self._codes.pop(given.get("code", ""), None)
        name, _, secret = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode().partition(":")
        expected = urlencode({"": SECRET}).removeprefix("=").replace("+", "%20")
        challenge = packed(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        known = begun is not None and challenge == begun["code_challenge"] and given["redirect_uri"] == begun["redirect_uri"]
        if begun is None or not known or (name, secret) != (CLIENT, expected):
            return JSONResponse({"error": "invalid_grant"}, 400)
        moment = int(time.time())
        claims = self.claims({"iss": self.address, "aud": CLIENT, "exp": moment + 300, "iat": moment, "nonce": begun["nonce"], **self.user})
        token = self.sign(claims) if self.sign is not None else signed(claims, self.key, kid=self.kid)
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": token})


@contextmanager
def serving(key: rsa.RSAPrivateKey) -> Iterator[Provider]:
    """A provider that answers on loopback."""
    with socket.socket() as listens:
        listens.bind(("127.0.0.1", 0))
        made = Provider(f"http://127.0.0.1:{listens.getsockname()[1]}", key)
        server = uvicorn.Server(uvicorn.Config(made.app(), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listens]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield made
        finally:
            server.should_exit = True
            thread.join(10)
