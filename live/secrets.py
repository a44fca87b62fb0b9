"""Credentials of cameras, sealed: Fernet with a key that lies outside the database, each seal bound to its deployment.

The door to cryptography. What is sealed cannot be read from the vault alone, and a seal moved to another camera does not open.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.fernet import Fernet, InvalidToken

from planning.datafile import DATA
from planning.errors import FeedError
from planning.files import atomic_path

KEY_FILE = "CHAUKAS_KEY_FILE"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


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
    """Seals and opens credentials with one key."""

    def __init__(self, key: bytes) -> None:
        try:
            self._fernet = Fernet(key)
        except ValueError:
            raise FeedError.one("secret.key", "The key file holds no key", "Restore it from its backup, or enter the passwords anew") from None

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
            raise FeedError.one("secret.seal", "The seal of a camera's password does not open", "Enter the password anew", deployment)
        return Credentials(user, password)


class FileVault:
    """Seals in one file, readable by its owner only."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def get(self, deployment: str) -> bytes | None:
        """The seal of a deployment, None where it has none."""
        token = self._read().get(deployment)
        return token.encode() if token is not None else None

    def put(self, deployment: str, token: bytes) -> None:
        """Keep a deployment's seal in place of the one before."""
        content = json.dumps({**self._read(), deployment: token.decode()}, indent=1)
        with atomic_path(self._path) as scratch:
            scratch.touch(mode=0o600)
            scratch.write_text(content, encoding="utf-8")

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            raise FeedError.one("secret.vault", "The file of seals cannot be read", "Restore it from its backup", self._path) from None
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def open_sealer(path: str | Path | None = None) -> Sealer:
    """The sealer of the key file: the one given, else of $CHAUKAS_KEY_FILE, else `data/live.key`; made where it is missing.

    Raises
    ------
    FeedError: `secret.open` where others may read the file, `secret.key` where it holds no key or cannot be read.
    """
    file = Path(path or os.environ.get(KEY_FILE) or DATA / "live.key")
    try:
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise FeedError.one("secret.key", f"The key file cannot be made: {error.strerror}", f"Set {KEY_FILE}", file) from None
    else:
        with os.fdopen(made, "wb") as stream:
            stream.write(Fernet.generate_key())
    try:
        mode, key = file.stat().st_mode, file.read_bytes()
    except OSError as error:
        raise FeedError.one("secret.key", f"The key file cannot be read: {error.strerror}", f"Set {KEY_FILE}", file) from None
    if mode & _OTHERS:
        raise FeedError.one("secret.open", "Others may read the key file", f"Take the right away: chmod 600 {file}", oct(stat.S_IMODE(mode)))
    return Sealer(key.strip())
