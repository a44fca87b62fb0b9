"""Passwords."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from planning.errors import InputError
from planning.passwords import fits, gate_figures, hash_password, is_dated, require_strong


def test_a_password_is_kept_as_argon2id_of_the_stated_cost_and_no_two_hashes_are_alike() -> None:
    """The hash says its kind and cost; each has a salt of its own; only the password fits, however a keyboard composes it."""
    kept = hash_password("गुड़ और पुल")
    figures = gate_figures()
    assert kept.startswith(f"$argon2id$v=19$m={figures['argon2_memory_kib']:g},t={figures['argon2_passes']:g},p={figures['argon2_lanes']:g}$")
    assert kept != hash_password("गुड़ और पुल")
    assert fits(kept, "गुड\u093c और पुल")
    assert not fits(kept, "गुड़ और पुल ")


def test_nothing_fits_where_nothing_is_kept_or_the_hash_is_none() -> None:
    """A name nobody has, and a row somebody spoilt, let nobody in."""
    for kept in ("", "x", "$argon2id$v=19$m=1", "\0nobody"):
        assert not fits(kept, "\0nobody")
        assert not fits(kept, "")


def test_a_hash_of_another_cost_is_dated() -> None:
    """What was kept at a lower cost still fits, and is told apart from today's."""
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("tulsi chai subah")
    assert fits(old, "tulsi chai subah")
    assert is_dated(old)
    assert not is_dated(hash_password("tulsi chai subah"))


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("chai", "password.short"), ("x" * 257, "password.long"), ("Password@123", "password.common"), ("p4$$w0rd2024", "password.common"),
        ("krishna1984!", "password.common"), ("9876543210", "password.common"), ("qwertyuiop12", "password.common"),
        ("zyxwvutsrq", "password.common"), ("aaaaaaaaaaaaaaa", "password.common"), ("Bilaspur#2024", "password.common"),
        ("meera.sahu77", "password.common"), ("..........", "password.common"), ("abababababab", "password.common"),
    ],
)  # fmt: skip
def test_what_is_easy_to_guess_is_refused_and_never_repeated(password: str, code: str) -> None:
    """Too short, too long, common words with digits, phone numbers, runs of the keyboard, the owner's name; no message repeats it."""
    with pytest.raises(InputError) as refused:
        require_strong(password, "meera.sahu")
    assert refused.value.code == code
    assert password not in str(refused.value)


@pytest.mark.parametrize("password", ["tulsi chai subah", "correct horse battery staple", "गुड़ बारिश पुल नाव", "vX9#kq2$Lmw8"])
def test_words_of_one_s_own_are_taken(password: str) -> None:
    """A few words in any script, or letters at random."""
    require_strong(password, "meera.sahu")
