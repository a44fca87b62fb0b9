"""Accounts and signing in, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from planning import accounts
from planning.access import Actor
from planning.accounts import (
    TERMINAL,
    add_account,
    anybody,
    change_password,
    change_roles,
    enter_by_link,
    find_account,
    first_link,
    list_accounts,
    make_link,
    sign_in,
    turn_off,
    turn_on,
)
from planning.errors import ChaukasError, Forbidden, InputError
from planning.passwords import gate_figures, is_dated
from planning.sessions import Session, list_sessions, session_of
from planning.store import Store

GOOD, OTHER = "tulsi chai subah", "neem ke neeche bench"


def member(store: Store, name: str = "meera", *roles: str, password: str = GOOD) -> str:
    """An account with a password; its id."""
    account = add_account(store, TERMINAL, name, title="Meera Sahu", roles=roles or ("member",))
    enter_by_link(store, make_link(store, TERMINAL, account), password)
    return account


def entered(store: Store, token: str) -> Session:
    """The session of a token, which must hold."""
    found = session_of(store, token)
    assert found is not None
    return found


def code_of(error: pytest.ExceptionInfo[ChaukasError]) -> str:
    """The code of a refusal."""
    return error.value.code


def let_time_pass(store: Store, account: str) -> None:
    """The wait of an account over, as if it had been waited for."""
    with store.write("test", "test.clock", account) as tx:
        tx.change("accounts", account, locked_until=(datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="microseconds"))


def test_an_invited_person_sets_a_password_and_comes_back_by_it(store: Store) -> None:
    """Invitation, password, sign-in; the name is taken in any case and width; the audit tells each step, holds no password, and is whole."""
    account = add_account(store, TERMINAL, " Meera ", title="Meera  Sahu", roles=["planner", "member"])
    token = make_link(store, TERMINAL, account)
    assert entered(store, enter_by_link(store, token, GOOD)).actor == Actor(account, "Meera Sahu", ("member", "planner"))
    assert entered(store, sign_in(store, "ＭＥＥＲＡ", GOOD, "Firefox")).actor.id == account
    assert [row["agent"] for row in list_sessions(store, account)] == ["Firefox", ""]
    with store.read() as tx:
        lines = list(tx.lines())
    assert [line["action"] for line in lines] == ["account.add", "account.link", "link.used", "session.try", "session.begin"]
    assert not any(GOOD in str(line) or token in str(line) for line in lines)
    assert store.verify()[1] is None


def test_a_link_lets_in_once_and_only_the_latest_does(store: Store) -> None:
    """A used link, an older one, one past its time and one nobody made are refused alike."""
    account = add_account(store, TERMINAL, "meera")
    first, second = make_link(store, TERMINAL, account), make_link(store, TERMINAL, account)
    enter_by_link(store, second, GOOD)
    third = make_link(store, TERMINAL, account)
    with store.write("test", "test.clock", account) as tx:
        (row,) = [row for row in tx.rows("links") if row["used_at"] is None]
        tx.change("links", row["id"], expires_at="2020-01-01T00:00:00.000000+00:00")
    for token in (first, second, third, "", "x" * 43):
        with pytest.raises(Forbidden) as refused:
            enter_by_link(store, token, OTHER)
        assert code_of(refused) == "link.spent"
    assert entered(store, sign_in(store, "meera", GOOD))


def test_wrong_name_and_wrong_password_are_refused_in_the_same_words(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody learns whether a name is known: an unknown one, one without a password and one turned off say the same, and wait the same."""
    monkeypatch.setattr(accounts, "_strangers", accounts._Strangers())
    member(store)
    add_account(store, TERMINAL, "new")
    member(store, "gone")
    turn_off(store, TERMINAL, find_account(store, "gone")["id"])
    free = int(gate_figures()["free_tries"])
    for name in ("meera", "nobody-of-this-name", "new", "gone"):
        said = []
        for _ in range(free + 1):
            with pytest.raises(Forbidden) as refused:
                sign_in(store, name, "wrong")
            said.append(code_of(refused))
        assert said == ["sign.refused"] * free + ["sign.wait"], name
        assert 25 <= int(refused.value.faults[0].value) <= 30


def test_waits_double_up_to_the_longest_and_a_right_password_ends_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even the right password waits; after the wait it lets in, and wrong ones are forgotten."""
    account = member(store)
    monkeypatch.setattr(accounts, "fits", lambda kept, password: password == GOOD)
    waits = []
    for _ in range(12):
        with pytest.raises(Forbidden):
            sign_in(store, "meera", "wrong")
        with store.read() as tx:
            until = tx.get("accounts", account)["locked_until"]
        waits.append(0 if until is None else round((datetime.fromisoformat(until) - datetime.now(UTC)).total_seconds(), -1))
        if until is not None:
            with pytest.raises(Forbidden) as early:
                sign_in(store, "meera", GOOD)
            assert code_of(early) == "sign.wait"
            let_time_pass(store, account)
    assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]
    assert entered(store, sign_in(store, "meera", GOOD))
    with store.read() as tx:
        assert (tx.get("accounts", account)["failed"], tx.get("accounts", account)["locked_until"]) == (0, None)


def test_many_tries_at_once_are_no_way_around_the_wait(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of forty tries together no more passwords are looked at than are free."""
    member(store)
    looked: list[str] = []

    def look(_: str, password: str) -> bool:
        looked.append(password)
        return False

    monkeypatch.setattr(accounts, "fits", look)

    def attempt() -> None:
        with pytest.raises(Forbidden):
            sign_in(store, "meera", "wrong")

    threads = [threading.Thread(target=attempt) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(looked) == gate_figures()["free_tries"]


def test_a_hash_of_another_cost_is_made_anew_at_sign_in(store: Store) -> None:
    """Whoever signs in is kept at today's cost from then on."""
    account = member(store)
    with store.write("test", "test.old", account) as tx:
        tx.change("accounts", account, password=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD))
    sign_in(store, "meera", GOOD)
    with store.read() as tx:
        assert not is_dated(tx.get("accounts", account)["password"])
    assert sign_in(store, "meera", GOOD)


def test_a_changed_password_ends_every_other_session(store: Store) -> None:
    """The old one must be told and no longer lets in; the session it was changed in stays; a weak one changes nothing."""
    member(store)
    here, there = sign_in(store, "meera", GOOD), sign_in(store, "meera", GOOD)
    with pytest.raises(Forbidden):
        change_password(store, entered(store, here), "wrong", OTHER)
    with pytest.raises(InputError):
        change_password(store, entered(store, here), GOOD, "password123")
    assert session_of(store, there) is not None
    change_password(store, entered(store, here), GOOD, OTHER)
    assert session_of(store, there) is None
    assert session_of(store, here) is not None
    with pytest.raises(Forbidden):
        sign_in(store, "meera", GOOD)
    assert sign_in(store, "meera", OTHER)


def test_an_account_turned_off_is_out_and_one_turned_on_may_sign_in_again(store: Store) -> None:
    """Sessions end, links and passwords no longer let in; nothing comes back but the right to sign in."""
    member(store, "boss", "admin")
    account = member(store)
    token, link = sign_in(store, "meera", GOOD), make_link(store, TERMINAL, account)
    turn_off(store, TERMINAL, account)
    assert session_of(store, token) is None
    for refused in (lambda: sign_in(store, "meera", GOOD), lambda: enter_by_link(store, link, OTHER)):
        with pytest.raises(Forbidden):
            refused()
    turn_on(store, TERMINAL, account)
    assert session_of(store, token) is None
    assert sign_in(store, "meera", GOOD)


def test_roles_count_at_once_in_open_sessions(store: Store) -> None:
    """A role that is given or taken, and cameras, are those of the next request."""
    member(store, "boss", "admin")
    account = member(store)
    token = sign_in(store, "meera", GOOD)
    change_roles(store, TERMINAL, account, ["operator"], cameras=["J1-2", "J1-1"])
    assert entered(store, token).actor == Actor(account, "Meera Sahu", ("operator",), frozenset({"J1-1", "J1-2"}))
    change_roles(store, TERMINAL, account, ["planner"])
    assert entered(store, token).actor == Actor(account, "Meera Sahu", ("planner",), None)


def test_somebody_who_manages_accounts_is_always_left(store: Store) -> None:
    """The last administrator can be neither turned off nor demoted; with a second one the first can."""
    boss = member(store, "boss", "admin")
    for act in (lambda: turn_off(store, TERMINAL, boss), lambda: change_roles(store, TERMINAL, boss, ["member"])):
        with pytest.raises(InputError) as refused:
            act()
        assert code_of(refused) == "manager.last"
    assert sign_in(store, "boss", GOOD)
    member(store, "second", "admin")
    turn_off(store, TERMINAL, boss)


def test_only_who_manages_accounts_makes_or_changes_them(store: Store) -> None:
    """A planner is refused by every function that gives rights, and nothing changes."""
    account = member(store)
    planner = Actor(account, "Meera", ("planner",))
    for act in (
        lambda: add_account(store, planner, "friend"), lambda: change_roles(store, planner, account, ["admin"]),
        lambda: turn_off(store, planner, account), lambda: turn_on(store, planner, account), lambda: make_link(store, planner, account),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            act()
    assert [(row["name"], row["roles"], row["active"]) for row in list_accounts(store)] == [("meera", ["member"], True)]
    assert all("password" not in row for row in list_accounts(store))


@pytest.mark.parametrize("name", ["", "a", "-x", "two words", "मीरा", "x" * 65, "a/b", "a\nb", "<b>x"])
def test_a_name_that_is_none_is_refused(store: Store, name: str) -> None:
    """Names are typed on any keyboard and stand in audit lines: small letters, digits and a few signs."""
    with pytest.raises(InputError) as refused:
        add_account(store, TERMINAL, name)
    assert code_of(refused) == "name.signs"


def test_a_name_somebody_has_and_a_role_nobody_knows_are_refused(store: Store) -> None:
    """Each is told as what it is."""
    member(store)
    with pytest.raises(InputError) as taken:
        add_account(store, TERMINAL, "MEERA")
    with pytest.raises(Forbidden) as strange:
        add_account(store, TERMINAL, "ravi", roles=["king"])
    assert (code_of(taken), code_of(strange)) == ("name.taken", "role.unknown")


def test_the_first_link_is_for_one_administrator_until_somebody_has_a_password(store: Store) -> None:
    """Each start gives a new one and voids the one before; no second account is made; once a password is set there is none, and none is optional."""
    first, second = first_link(store), first_link(store)
    assert first is not None
    assert second is not None
    assert not anybody(store)
    with pytest.raises(Forbidden):
        enter_by_link(store, first)
    session = entered(store, enter_by_link(store, second))
    assert session.actor.roles == ("admin",)
    assert [row["name"] for row in list_accounts(store)] == ["admin"]
    assert first_link(store) is not None
    change_password(store, session, "", GOOD)
    assert anybody(store)
    assert first_link(store) is None
    later = make_link(store, TERMINAL, session.actor.id)
    with pytest.raises(InputError) as needed:
        enter_by_link(store, later)
    assert code_of(needed) == "password.needed"
