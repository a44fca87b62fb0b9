"""Signing in by another service with OpenID Connect: the code flow with PKCE, state and nonce.

    begin -> the service's own page -> back with a code -> token endpoint -> ID token (signature, issuer, audience, time, nonce) -> claims

Off unless the environment names a service (`CHAUKAS_OIDC_…`). What is under way is kept in this process alone, bound to one browser, for some
minutes, and is used up by the first answer to it, so that none can be played again. Nothing here makes an account: `planning.identities` says whose
the claims are.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import os
import secrets
import threading
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from planning.errors import Fault, Forbidden, InputError
from planning.signed import read_signed

WAIT_S = 600.0  # what one may take on the service's own page
SKEW_S = 60.0  # how far clocks may differ
_UNDER_WAY = 1_000  # sign-ins remembered; the oldest is forgotten first
_KEPT_S, _AGAIN_S = 3_600.0, 30.0  # what the service says of itself is kept so long, and asked anew no sooner
_LARGEST, _TIMEOUT_S = 1_000_000, 8.0
_NAMES = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "RETURN")


@dataclass(frozen=True)
class Service:
    """A service that says who someone is. `back`: our address it sends people back to; `title`: what it is called on the button."""

    issuer: str
    client: str
    secret: str = field(repr=False)
    back: str
    title: str


@dataclass(frozen=True)
class Claims:
    """Who someone is by a service: its lasting name of them, and their e-mail address where the service has verified it, else empty."""

    issuer: str
    subject: str
    email: str


@dataclass(frozen=True)
class _Begun:
    browser: str
    nonce: str
    verifier: str
    onward: str
    at: float


def service(environment: Mapping[str, str] | None = None) -> Service | None:
    """The service the environment names: `CHAUKAS_OIDC_ISSUER`, `_CLIENT_ID`, `_CLIENT_SECRET`, `_RETURN`, and `_TITLE`; None where none.

    Raises
    ------
    InputError: `oidc.settings`, every one that is missing or no https address (http is taken on this machine alone).
    """
    given = os.environ if environment is None else environment
    found = {name: given.get(f"CHAUKAS_OIDC_{name}", "").strip() for name in _NAMES}
    if not found["ISSUER"]:
        return None
    faults = [
        Fault("oidc.settings", "Sign-in by another service is set up in part", f"Set CHAUKAS_OIDC_{name}", name) for name in _NAMES if not found[name]
    ]
    for name in ("ISSUER", "RETURN"):
        if found[name] and not _is_safe(found[name]):
            faults.append(Fault("oidc.settings", "This is no https address", f"Mend CHAUKAS_OIDC_{name}", found[name]))
    if faults:
        raise InputError(faults)
    title = given.get("CHAUKAS_OIDC_TITLE", "").strip() or urlsplit(found["ISSUER"]).netloc
    return Service(found["ISSUER"], found["CLIENT_ID"], found["CLIENT_SECRET"], found["RETURN"], title)


class SignIns:
    """Sign-ins by one service: what is under way, and what the service said of itself.

    Parameters
    ----------
    clock: seconds that go on evenly. wall: seconds of the calendar, which tokens are dated by.
    """

    def __init__(self, by: Service, *, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self.service, self._clock, self._wall = by, clock, wall
        self._begun: OrderedDict[str, _Begun] = OrderedDict()
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def begin(self, browser: str, onward: str) -> str:
        """The address of the service's page to send someone to.

        Parameters
        ----------
        browser: what only this browser has, to be shown again. onward: where to go once signed in.

        Raises
        ------
        Forbidden: `oidc.away`, where the service cannot be asked.
        """
        page = self._endpoint("authorization_endpoint")
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        with self._lock:
            self._begun[state] = _Begun(browser, nonce, verifier, onward, self._clock())
            while len(self._begun) > _UNDER_WAY:
                self._begun.popitem(last=False)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": self.service.client, "redirect_uri": self.service.back, "scope": "openid email", "state": state,
            "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{page}{'&' if '?' in page else '?'}{urlencode(asked)}"

    def finish(self, browser: str, answer: Mapping[str, str]) -> tuple[Claims, str]:
        """Who came back, and where they wanted to go.

        Parameters
        ----------
        answer: the parameters they came back with.

        Raises
        ------
        Forbidden: `oidc.state` (unknown, used, too old or another browser's), `oidc.denied`, `oidc.away`, `oidc.token`, `oidc.key`.
        """
        with self._lock:
            begun = self._begun.pop(answer.get("state", ""), None)
        if begun is None or self._clock() - begun.at > WAIT_S or not hmac.compare_digest(begun.browser.encode(), browser.encode()):
            raise Forbidden.one("oidc.state", "This sign-in was not begun here, or is used up", "Begin again at /sign-in")
        if answer.get("iss", self.service.issuer) != self.service.issuer:
            raise _wrong("it is of another service")
        if "error" in answer or not answer.get("code"):
            raise Forbidden.one("oidc.denied", "The service did not let you in", "Try again", answer.get("error", "")[:60])
        token = self._redeem(answer["code"], begun.verifier)
        return self._claims(token, begun.nonce), begun.onward

    def _redeem(self, code: str, verifier: str) -> str:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.service.back, "code_verifier": verifier}
        pair = f"{quote(self.service.client, safe='')}:{quote(self.service.secret, safe='')}"
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        told = _asked(self._endpoint("token_endpoint"), urlencode(form).encode(), headers)
        token = told.get("id_token")
        if not isinstance(token, str):
            raise _wrong("it has no ID token")
        return token

    def _claims(self, token: str, nonce: str) -> Claims:
        try:
            said = read_signed(token, self._told("jwks_uri"))
        except Forbidden as error:
            if error.code != "oidc.key" or not self._forget("jwks_uri"):
                raise
            said = read_signed(token, self._told("jwks_uri"))  # the service has changed its keys
        audience = said.get("aud")
        audience = [audience] if isinstance(audience, str) else audience
        until, since, subject = said.get("exp"), said.get("iat"), said.get("sub")
        if said.get("iss") != self.service.issuer:
            raise _wrong("it is of another service")
        if not isinstance(audience, list) or self.service.client not in audience or (len(audience) > 1 and said.get("azp") != self.service.client):
            raise _wrong("it is meant for another app")
        if said.get("azp", self.service.client) != self.service.client:
            raise _wrong("it is meant for another app")
        if not (_number(until) + SKEW_S >= self._wall() and _number(since) - SKEW_S <= self._wall()):
            raise _wrong("it is out of date")
        if not hmac.compare_digest(str(said.get("nonce", "")).encode(), nonce.encode()):
            raise _wrong("it belongs to another sign-in")
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
            raise _wrong("it names nobody")
        email = said.get("email")
        return Claims(self.service.issuer, subject, email if isinstance(email, str) and said.get("email_verified") is True else "")

    def _endpoint(self, name: str) -> str:
        """An address the service tells of itself; of https, or of this machine where the service is."""
        kept = self._kept("configuration", f"{self.service.issuer.rstrip('/')}/.well-known/openid-configuration")
        found = kept.get(name)
        if kept.get("issuer") != self.service.issuer or not isinstance(found, str) or not _is_safe(found):
            self._forget("configuration")
            raise _away(f"{name} of {self.service.issuer}")
        return found

    def _told(self, name: str) -> dict[str, Any]:
        return self._kept(name, self._endpoint(name))

    def _kept(self, name: str, address: str) -> dict[str, Any]:
        with self._lock:
            at, found = self._known.get(name, (0.0, {}))
        if not found or self._clock() - at > _KEPT_S:
            found = _asked(address)
            with self._lock:
                self._known[name] = (self._clock(), found)
        return found

    def _forget(self, name: str) -> bool:
        """Ask anew next time; whether it may be asked so soon."""
        with self._lock:
            at, _ = self._known.get(name, (0.0, {}))
            old = self._clock() - at > _AGAIN_S
            if old:
                self._known.pop(name, None)
        return old


def _asked(address: str, form: bytes | None = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object of an address; no redirect is followed, and no more than a megabyte read.

    Raises
    ------
    Forbidden: `oidc.away`.
    """
    request = urllib.request.Request(address, form, {"Accept": "application/json", **(headers or {})})  # noqa: S310  # judged by _is_safe
    try:
        with _opener.open(request, timeout=_TIMEOUT_S) as answer:
            found = json.loads(answer.read(_LARGEST + 1)[: _LARGEST + 1])
    except urllib.error.HTTPError as error:
        raise _away(f"{urlsplit(address).netloc}: {error.code}") from None
    except (OSError, ValueError, RecursionError):
        raise _away(urlsplit(address).netloc) from None
    if not isinstance(found, dict):
        raise _away(urlsplit(address).netloc)
    return found


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: an address the service did not tell of itself is not asked."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_Stay)


def _is_safe(address: str) -> bool:
    """Whether an address is of https, or of http on this machine itself."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return (parts.scheme == "https" and bool(host)) or (parts.scheme == "http" and host in {"127.0.0.1", "::1", "localhost"})


def _number(value: object) -> float:
    """A moment of a token [s]; NaN, with which nothing compares, for what is none."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan


def _away(what: str) -> Forbidden:
    return Forbidden.one("oidc.away", "The sign-in service does not answer as it should", "Try again, or sign in with a password", what[:100])


def _wrong(why: str) -> Forbidden:
    return Forbidden.one("oidc.token", f"The service's answer is refused: {why}", "Try again, or sign in with a password")
