"""Credentials of cameras, sealed: Fernet with a key that lies outside the database, each seal bound to its deployment.

The door to cryptography. What is sealed cannot be read from the vault alone, and a seal moved to another camera does not open.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.fernet import Fernet, InvalidToken

from planning.errors import FeedError
from planning.keys import read_key, state_folder
from planning.store import Store, now, open_store

KEY_FILE = "CHAUKAS_KEY_FILE"


@dataclass(frozen=True)
class Credentials:
    """A camera's user and password. Neither repr nor str tells them."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def __str__(self) -> str:
        return "Credentials(…)"


class Vault(Protocol):
    """Where seals are kept, by deployment."""

    def get(self, deployment: str) -> bytes | None:
        """The seal of a deployment, None where it has none."""

    def put(self, deployment: str, token: bytes) -> None:
        """Keep a deployment's seal in place of the one before."""


class Sealer:
    """Seals and opens credentials with one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def __repr__(self) -> str:
        return "Sealer(…)"

    def seal(self, deployment: str, credentials: Credentials) -> bytes:
        """The seal of a deployment's credentials."""
        return self._fernet.encrypt(json.dumps([deployment, credentials.user, credentials.password]).encode())

    def open(self, deployment: str, token: bytes) -> Credentials:
        """The credentials of a seal.

        Raises
        ------
        FeedError: `secret.seal` where the seal was changed, was made with another key, or for another camera.
        """
        try:
            whose, user, password = json.loads(self._fernet.decrypt(token))
        except (InvalidToken, ValueError):
            whose, user, password = None, "", ""
        if whose != deployment:
            way_out = "Enter it anew: chaukas live password CITY CAMERA"
            raise FeedError.one("secret.seal", "The seal of a camera's password does not open", way_out, deployment)
        return Credentials(user, password)


class StoreVault:
    """Seals in the store, where each change leaves a line of the audit. `by`: who puts them there, an actor's id."""

    def __init__(self, store: Callable[[], Store] = open_store, by: str = "") -> None:
        self._store, self._by = store, by

    def get(self, deployment: str) -> bytes | None:
        """The seal of a deployment, None where it has none."""
        with self._store().read() as tx:
            found = tx.one("sealed", id=deployment)
        return str(found["token"]).encode() if found is not None else None

    def put(self, deployment: str, token: bytes) -> None:
        """Keep a deployment's seal in place of the one before."""
        with self._store().write(self._by, "live.password", deployment) as tx:
            row = {"token": token.decode(), "changed_at": now()}
            if tx.one("sealed", id=deployment) is None:
                tx.add("sealed", {"id": deployment, **row})
            else:
                tx.change("sealed", deployment, **row)


def open_sealer(path: str | Path | None = None) -> Sealer:
    """The sealer of the key file: the one given, else of $CHAUKAS_KEY_FILE, else `live.key` of the state folder; made where it is missing.

    Raises
    ------
    FileRefused: as `planning.keys.read_key`.
    """
    return Sealer(read_key(Path(path or os.environ.get(KEY_FILE) or state_folder() / "live.key")))
