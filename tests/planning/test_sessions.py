"""Sessions and links, on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from planning.accounts import TERMINAL, add_account
from planning.errors import InputError
from planning.sessions import digest, end_session, end_sessions, is_form_of, list_sessions, open_session, session_of, sessions_of
from planning.store import Store

PAST = "2020-01-01T00:00:00.000000+00:00"


@pytest.fixture(name="account")
def one_account(store: Store) -> str:
    """An account's id."""
    return add_account(store, TERMINAL, "meera")


def opened(store: Store, account: str) -> str:
    """The token of a new session."""
    with store.write(account, "session.begin", account) as tx:
        return open_session(tx, account, "Firefox " * 100)


def test_the_token_is_kept_nowhere(store: Store, account: str) -> None:
    """Of token and session only a digest is in the tables and the audit; the digest itself is no token."""
    token = opened(store, account)
    with store.read() as tx:
        assert not any(token in str(row) for _, rows in tx.tables() for row in rows)
    assert len(token) >= 43
    assert session_of(store, token) is not None
    for wrong in (digest(token), "", token + " ", token[:-1], "\ud800"):
        assert session_of(store, wrong) is None


def test_tokens_differ_and_what_a_browser_says_is_cut(store: Store, account: str) -> None:
    """No two sessions share token or form token."""
    found = [session_of(store, opened(store, account)) for _ in range(3)]
    assert len({session.id for session in found if session}) == len({session.csrf for session in found if session}) == 3
    assert all(len(row["agent"]) == 120 for row in list_sessions(store, account))


def test_a_session_ends_when_it_is_ended_or_its_time_is_over(store: Store, account: str) -> None:
    """Ended, past its time, its account out of use: none of these holds; ending twice is one ending."""
    ended, over, left = (opened(store, account) for _ in range(3))
    end_session(store, "test", digest(ended))
    end_session(store, "test", digest(ended))
    with store.write("test", "test.clock", account) as tx:
        tx.change("sessions", digest(over), expires_at=PAST)
    assert set(sessions_of(store, map(digest, (ended, over, left)))) == {digest(left)}
    assert [row["id"] for row in list_sessions(store)] == [digest(left)]
    with store.read() as tx:
        assert [line["action"] for line in tx.lines()].count("session.end") == 1
    with store.write("test", "test.off", account) as tx:
        tx.change("accounts", account, active=False)
    assert session_of(store, left) is None


def test_all_but_one_are_ended_together(store: Store, account: str) -> None:
    """Those of other accounts stay."""
    mine, rest = opened(store, account), [opened(store, account) for _ in range(2)]
    other = opened(store, add_account(store, TERMINAL, "ravi"))
    with store.write("test", "test.end", account) as tx:
        assert end_sessions(tx, account, but=digest(mine)) == 2
    assert [session_of(store, token) is not None for token in (mine, *rest, other)] == [True, False, False, True]


def test_sessions_long_past_are_cleared_away_with_the_next(store: Store, account: str) -> None:
    """The table does not grow for ever, and the audit still accounts for each row."""
    old = opened(store, account)
    with store.write("test", "test.clock", account) as tx:
        tx.change("sessions", digest(old), expires_at=PAST)
    opened(store, account)
    with store.read() as tx:
        assert digest(old) not in {row["id"] for row in tx.rows("sessions")}
    assert store.verify()[1] is None


def test_a_form_belongs_to_its_session_alone(store: Store, account: str) -> None:
    """Another session's form token, none, and one in another script are no match."""
    mine, other = session_of(store, opened(store, account)), session_of(store, opened(store, account))
    assert mine is not None
    assert other is not None
    assert is_form_of(mine, mine.csrf)
    assert not any(is_form_of(mine, token) for token in (other.csrf, "", "टोकन", mine.csrf[:-1]))


def test_an_unknown_session_cannot_be_ended(store: Store) -> None:
    """Which is told, and not taken for done."""
    with pytest.raises(InputError):
        end_session(store, "test", "0" * 64)
