"""The right to open one camera's picture: short-lived, good once, for the one who was given it and for that camera alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable

from planning.access import Actor
from planning.errors import Forbidden

_MOST = 2000  # signs of a token


class Tokens:
    """Gives tokens and takes them back. `lasts_s`: how long one may wait to be used; `now`: seconds since 1970."""

    def __init__(self, lasts_s: float, now: Callable[[], float], key: bytes | None = None) -> None:
        self._lasts_s, self._now = lasts_s, now
        self._key = key or secrets.token_bytes(32)
        self._used: dict[str, float] = {}

    def give(self, actor: Actor, camera: str, why: str) -> str:
        """A token for an actor and a camera; `why`: the reason that was given, kept in it."""
        body = json.dumps([actor.id, camera, self._now() + self._lasts_s, secrets.token_hex(8), why[:200]], ensure_ascii=True).encode()
        return f"{base64.urlsafe_b64encode(body).decode().rstrip('=')}.{self._seal(body)}"

    def take(self, token: str, actor: Actor, camera: str) -> str:
        """The reason given with a token, which is used up by this.

        Raises
        ------
        Forbidden: `token.form` where it is none of ours, `token.other` where it is another's or another camera's, `token.late`, `token.used`.
        """
        opened = self._opened(token)
        if opened is None:
            raise Forbidden.one("token.form", "This right to look is none", "Open the camera again")
        whose, which, until, once, why = opened
        now = self._now()
        self._used = {one: end for one, end in self._used.items() if end > now}
        if (whose, which) != (actor.id, camera):
            raise Forbidden.one("token.other", "This right to look was given to somebody else, or for another camera", "Open the camera again")
        if until <= now:
            raise Forbidden.one("token.late", "This right to look has run out", "Open the camera again")
        if once in self._used:
            raise Forbidden.one("token.used", "This right to look was used already", "Open the camera again")
        self._used[once] = until
        return why

    def _opened(self, token: str) -> tuple[str, str, float, str, str] | None:
        """Actor, camera, end, number and reason of a token of ours; None where it is none."""
        text, _, seal = token.partition(".")
        try:
            body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if len(token) <= _MOST else b""
        except ValueError:
            return None
        if not hmac.compare_digest(self._seal(body).encode(), seal.encode()):
            return None
        whose, which, until, once, why = json.loads(body)
        return str(whose), str(which), float(until), str(once), str(why)

    def _seal(self, body: bytes) -> str:
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()
