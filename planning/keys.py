"""Keys kept in files of their own, outside the database they protect: made where missing, refused where others can read them."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from planning.errors import FileRefused

KEY_BYTES = 32


def state_folder() -> Path:
    """Where this installation keeps its database and keys: `CHAUKAS_STATE`, else `data/state` of the checkout."""
    given = os.environ.get("CHAUKAS_STATE")
    return Path(given) if given else Path(__file__).resolve().parent.parent / "data" / "state"


def read_key(path: Path, *, make: bool = True) -> bytes:
    """The 32 bytes of a key file, which holds them as 64 hex digits.

    Parameters
    ----------
    make: write a new random key where there is no file; two who do so at once end with the same key.

    Raises
    ------
    FileRefused: missing and not to be made, damaged, or open to other users of the machine.
    """
    if make and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_hex(KEY_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused.one("key.unreadable", f"The key cannot be read: {error}", "Bring the key back from its copy", path) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise FileRefused.one("key.open", "Other users of this machine can read the key", f"chmod 600 {path}", f"{stat.S_IMODE(mode):o}")
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise FileRefused.one("key.damaged", f"A key is {2 * KEY_BYTES} hex digits", "Bring the key back from its copy", path)
    return key
