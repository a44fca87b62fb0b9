"""Passwords: what is taken as one, how it is kept, and how it is tried. The one door to argon2.

A password is kept as an argon2id hash with a salt of its own, of the cost that `data/gate.toml` states; one kept at another cost is hashed anew
when its owner next signs in. A hundred tries at once share a few places, so that trying cannot use up the machine's memory.
"""

from __future__ import annotations

import threading
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from planning.datafile import DATA
from planning.errors import InputError
from planning.figures import Figures, load_figures

MOST = 256  # characters; hashing what is longer would be work for nothing
_WANTED = {
    "session_hours": ("h", 0.1, 24 * 31), "link_hours": ("h", 0.1, 24 * 31), "free_tries": ("tries", 1, 100), "first_wait_s": ("s", 1, 3600),
    "longest_wait_s": ("s", 1, 86_400), "refusal_s": ("s", 0, 10), "password_least": ("characters", 8, 64),
    "argon2_memory_kib": ("KiB", 19_456, 1_048_576), "argon2_passes": ("passes", 2, 20), "argon2_lanes": ("lanes", 1, 16),
}  # fmt: skip
_LOOKS_LIKE = str.maketrans("013457@$!|", "oieastasil")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_RUN = 4  # letters in a row of the alphabet or the keyboard that count as a run
_LEFT = 4  # letters that must be left once all that is common is taken out
_places = threading.BoundedSemaphore(4)


@lru_cache(maxsize=1)
def gate_figures() -> Figures:
    """The figures of `data/gate.toml`, read once."""
    return load_figures(DATA / "gate.toml", _WANTED)


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    memory, passes, lanes = (int(gate_figures()[f"argon2_{key}"]) for key in ("memory_kib", "passes", "lanes"))
    return PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=lanes, type=Type.ID)


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash at today's cost that no password fits, for names nobody has."""
    return _hasher().hash("\0nobody")


def hash_password(password: str) -> str:
    """The hash to keep of a password."""
    with _places:
        return _hasher().hash(_written(password))


def fits(kept: str, password: str) -> bool:
    """Whether a password is the one kept; with nothing kept the same work is done and nothing fits."""
    with _places:
        try:
            _hasher().verify(kept or _nobody(), _written(password[: MOST + 1]))
        except (VerificationError, InvalidHashError):
            return False
    return bool(kept)


def is_dated(kept: str) -> bool:
    """Whether a hash was made at another cost than today's."""
    return _hasher().check_needs_rehash(kept)


def require_strong(password: str, name: str = "") -> None:
    """Let pass only what is hard to guess: long enough, and more than common words, runs, digits and the owner's name.

    Raises
    ------
    InputError: too short, too long, or too common.
    """
    least = int(gate_figures()["password_least"])
    if len(password) < least:
        raise InputError.one("password.short", f"A password has at least {least} characters", "Take three or four words of your own", len(password))
    if len(password) > MOST:
        raise InputError.one("password.long", f"A password has at most {MOST} characters", "Take a shorter one", len(password))
    if _left(password, name) < _LEFT:
        what = "This password is easy to guess: it is made of common words, names, runs or digits"
        raise InputError.one("password.common", what, "Take three or four words that do not belong together")


def _written(password: str) -> str:
    """One spelling for one password, however a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", password)


def _left(password: str, name: str) -> int:
    """How many different letters are left without the owner's name, common words, runs and all that is no letter; signs read as letters, too."""
    plain = _written(password).lower()
    return min(_letters(text, name.lower()) for text in (plain, plain.translate(_LOOKS_LIKE)))


def _letters(text: str, name: str) -> int:
    for word in (*([name] if len(name) >= 3 else []), *_common()):
        text = text.replace(word, " ")
    for row in _ROWS:
        for line in (row, row[::-1]):
            for length in range(len(line), _RUN - 1, -1):
                for start in range(len(line) - length + 1):
                    text = text.replace(line[start : start + length], " ")
    # Letters and the signs that belong to them: in Hindi a syllable's vowel is a sign of its own.
    return len({letter for letter in text if unicodedata.category(letter)[0] in "LM"})


@lru_cache(maxsize=1)
def _common() -> tuple[str, ...]:
    lines = (DATA / "common_passwords.txt").read_text(encoding="utf-8").splitlines()
    found = {word for line in lines if not line.startswith("#") for word in line.split() if len(word) >= 3}
    return tuple(sorted(found, key=lambda word: (-len(word), word)))
