"""Signing in by another service, against a real provider on loopback: the way in, and every way it must not work."""

from __future__ import annotations

import hmac
import html
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.middleware import Middleware

import cli
from planning import identities
from planning.accounts import TERMINAL, add_account, find_account, turn_off
from planning.errors import ChaukasError, Forbidden, InputError
from planning.oidc import WAIT_S, SignIns, service
from planning.sessions import list_sessions
from planning.store import Store, open_store
from screens import gate, oidc_doors
from screens.doors import gate_routes
from screens.gate import Gate
from screens.middleware import StayHome
from tests.screens.provider import CLIENT, SECRET, Claims, Provider, new_key, number, packed, public_form, serving, signed
from tests.screens.visitor import HOST, Answer, Visitor

BACK = f"http://{HOST}/sign-in/oidc/back"


@pytest.fixture(name="key", scope="module")
def a_key() -> rsa.RSAPrivateKey:
    """The provider's key."""
    return new_key()


@pytest.fixture(name="provider")
def a_provider(key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A provider that the environment names."""
    with serving(key) as made:
        for name, value in (("ISSUER", made.address), ("CLIENT_ID", CLIENT), ("CLIENT_SECRET", SECRET), ("RETURN", BACK), ("TITLE", "Jan & Co")):
            monkeypatch.setenv(f"CHAUKAS_OIDC_{name}", value)
        monkeypatch.setattr(oidc_doors, "_kept", [])
        yield made


@pytest.fixture(name="house")
def store_of_the_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with an administrator and a member without a password."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path))
    monkeypatch.setattr(gate, "_FRESH_S", 0.0)
    store = open_store()
    boss = add_account(store, TERMINAL, "boss", roles=["admin"])
    with store.write("test", "account.password", boss) as tx:
        tx.change("accounts", boss, password="kept")  # pragma: allowlist secret  # no hash: nobody signs in by it
    add_account(store, TERMINAL, "meera")
    yield store
    store.engine.dispose()


def guest() -> Visitor:
    """Someone not signed in, at the gate's pages."""
    return Visitor(Starlette(routes=[*gate_routes(), *oidc_doors.routes()], middleware=[Middleware(StayHome), Middleware(Gate)]))


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def at_the_service(address: str) -> str:
    """Where the provider's page sends one back to, as a path here."""
    try:
        urllib.request.build_opener(_Stay).open(address, timeout=10)
    except urllib.error.HTTPError as answer:
        found = urlsplit(answer.headers["location"])
        assert f"{found.scheme}://{found.netloc}{found.path}" == BACK
        return f"{found.path}?{found.query}"
    raise AssertionError


def come_back(asks: Visitor, onward: str = "/?view=plan") -> Answer:
    """The whole way: to the service and back."""
    begun = asks.ask(f"/sign-in/oidc?next={onward.replace('?', '%3F').replace('=', '%3D')}&lang=en")
    assert begun.status == 303, begun.text
    return asks.ask(at_the_service(begun.headers["location"]))


def linked(house: Store, provider: Provider, kind: str = "email", value: str = "meera@example.org") -> str:
    """Meera's account, linked."""
    account = str(find_account(house, "meera")["id"])
    identities.link(house, TERMINAL, account, provider.address, kind, value)
    return account


def test_who_is_linked_gets_in_and_goes_on_where_they_wanted(house: Store, provider: Provider) -> None:
    """The sign-in page offers the service; the way leads there and back into a session; the audit says by which account; its secret is in no repr."""
    account = linked(house, provider)
    asks = guest()
    assert 'href="/sign-in/oidc?next=%2F&amp;lang=en">Sign in with Jan &amp; Co' in asks.ask("/sign-in?lang=en").text
    answer = come_back(asks)
    assert (answer.status, answer.headers["location"]) == (303, "/?view=plan")
    assert "meera" in asks.ask("/account").text
    assert [row["account"] for row in list_sessions(house, account)] == [account]
    assert "chaukas-oidc" not in asks.cookies
    assert house.verify()[1] is None
    assert SECRET not in repr(service())


def test_an_address_counts_once_and_then_the_subject(house: Store, provider: Provider) -> None:
    """Whoever is given the address later is another person; the first one stays in though the address changes."""
    linked(house, provider)
    assert come_back(guest()).status == 303
    provider.user = {"sub": "u-2", "email": "meera@example.org", "email_verified": True}
    assert come_back(guest()).status == 403
    provider.user = {"sub": "u-1", "email": "other@example.org", "email_verified": True}
    assert come_back(guest()).status == 303


@pytest.mark.parametrize(
    "user",
    [
        {"sub": "u-1", "email": "meera@example.org", "email_verified": False}, {"sub": "u-1", "email": "meera@example.org"},
        {"sub": "u-1", "email": "meera@example.org", "email_verified": "true"}, {"sub": "u-1", "email": "boss@example.org", "email_verified": True},
        {"sub": "u-1"}, {"sub": "boss"}, {"sub": "u-1", "email": ["meera@example.org"], "email_verified": True},
    ],
)  # fmt: skip
def test_nobody_gets_in_who_is_not_linked_by_what_the_service_vouches_for(house: Store, provider: Provider, user: Claims) -> None:
    """No account is made, none is found by its name, and an address the service has not verified is none."""
    linked(house, provider)
    provider.user = user
    answer = come_back(guest())
    assert answer.status == 403
    assert "No account here" in answer.text
    with house.read() as tx:
        assert sorted(row["name"] for row in tx.rows("accounts")) == ["boss", "meera"]
        assert [row["kind"] for row in tx.rows("identities")] == ["email"]


def test_an_account_that_is_turned_off_or_unlinked_is_out(house: Store, provider: Provider) -> None:
    """A link is no way round an administrator."""
    account = linked(house, provider, "subject", "u-1")
    assert come_back(guest()).status == 303
    turn_off(house, TERMINAL, account)
    assert come_back(guest()).status == 403
    assert identities.unlink(house, TERMINAL, account) == 1
    assert come_back(guest()).status == 403


def _none(claims: Claims) -> str:
    return f"{packed({'alg': 'none'})}.{packed(claims)}."


def _hmac_by_the_public_key(key: rsa.RSAPrivateKey) -> Any:
    def sign(claims: Claims) -> str:
        text = f"{packed({'alg': 'HS256', 'kid': 'k1'})}.{packed(claims)}"
        return f"{text}.{packed(hmac.new(public_form(key, 'k1')['n'].encode(), text.encode(), 'sha256').digest())}"

    return sign


HOSTILE: dict[str, Any] = {
    "another nonce": lambda claims: {**claims, "nonce": "x"}, "no nonce": lambda claims: {k: v for k, v in claims.items() if k != "nonce"},
    "another audience": lambda claims: {**claims, "aud": "other"}, "no audience": lambda claims: {k: v for k, v in claims.items() if k != "aud"},
    "two audiences and no azp": lambda claims: {**claims, "aud": [CLIENT, "other"]}, "azp of another": lambda claims: {**claims, "azp": "other"},
    "audience as a piece of a word": lambda claims: {**claims, "aud": f"{CLIENT}-2"},
    "expired": lambda claims: {**claims, "exp": time.time() - 120}, "no end": lambda claims: {k: v for k, v in claims.items() if k != "exp"},
    "end as words": lambda claims: {**claims, "exp": "never"}, "of tomorrow": lambda claims: {**claims, "iat": time.time() + 86_400},
    "another issuer": lambda claims: {**claims, "iss": "https://evil.example"},
    "issuer with a slash": lambda claims: {**claims, "iss": claims["iss"] + "/"},
    "nobody": lambda claims: {**claims, "sub": ""}, "subject a number": lambda claims: {**claims, "sub": 7},
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_an_id_token_that_says_anything_else_is_refused(house: Store, provider: Provider, name: str) -> None:
    """Well signed, and yet not for this sign-in, this app or this moment."""
    linked(house, provider)
    provider.claims = HOSTILE[name]
    answer = come_back(guest())
    assert answer.status == 403
    assert "answer is refused" in html.unescape(answer.text)
    assert list_sessions(house, str(find_account(house, "meera")["id"])) == []


def _around(token: str) -> tuple[str, str]:
    """A token's header and signature, each with its dot."""
    header, _, signature = token.split(".")
    return f"{header}.", f".{signature}"


SIGNED_WRONG: dict[str, Any] = {
    "none": lambda key: _none, "none with a signature": lambda key: lambda claims: _none(claims) + packed(b"x" * 256),
    "hmac by the public key": _hmac_by_the_public_key, "another's key": lambda key: lambda claims: signed(claims, new_key()),
    "a key that is not there": lambda key: lambda claims: signed(claims, key, kid="k9"),
    "a key it brings along": lambda key: lambda claims: signed(claims, other := new_key(), jwk=public_form(other, "k1")),
    "crit": lambda key: lambda claims: signed(claims, key, crit=["exp"]), "no token": lambda key: lambda claims: "hello",
    "claims changed after": lambda key: lambda claims: packed({**claims, "sub": "u-9"}).join(_around(signed(claims, key))),
    "too long": lambda key: lambda claims: signed({**claims, "more": "x" * 20_000}, key),
    "signs of another alphabet": lambda key: lambda claims: signed(claims, key).replace("_", "/").replace("-", "+") + "==",
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNED_WRONG)
def test_a_token_signed_otherwise_is_refused(house: Store, provider: Provider, key: rsa.RSAPrivateKey, name: str) -> None:
    """Algorithms that are none, keys that are not the service's, and content changed after signing."""
    linked(house, provider)
    provider.sign = SIGNED_WRONG[name](key)
    answer = come_back(guest())
    assert answer.status == 403
    said = html.unescape(answer.text)
    assert ("does not have the key" if name == "a key that is not there" else "answer is refused") in said
    assert list_sessions(house, str(find_account(house, "meera")["id"])) == []


def test_a_weak_key_is_refused(house: Store, provider: Provider) -> None:
    """A key that could be broken signs for nobody."""
    linked(house, provider)
    provider.key = new_key(1024)
    assert come_back(guest()).status == 403
    assert number(65537) == "AQAB"


def test_a_key_that_was_changed_is_asked_for_once_more_and_not_at_every_try(house: Store, provider: Provider) -> None:
    """A service may change its keys between two sign-ins; made-up key names do not make this server ask and ask."""
    linked(house, provider)
    at = [0.0]
    entry = SignIns(service(), clock=lambda: at[0])  # type: ignore[arg-type]
    oidc_doors._kept[:] = [entry]
    assert come_back(guest()).status == 303
    provider.key, provider.kid = new_key(), "k2"
    assert come_back(guest()).status == 403  # asked a moment ago
    at[0] += 60
    assert come_back(guest()).status == 303
    assert provider.asked == ["keys", "keys"]


def test_a_way_back_works_once_for_the_browser_that_began_it_and_not_for_ever(house: Store, provider: Provider) -> None:
    """Played again, in another browser, with a state of nobody's, of another service, too late, or denied: no session."""
    linked(house, provider)
    asks = guest()
    back = at_the_service(asks.ask("/sign-in/oidc").headers["location"])
    cookies = dict(asks.cookies)
    assert guest().ask(back).status == 403
    asks.cookies = dict(cookies)
    assert asks.ask(back).status == 403  # the other browser used it up
    again = at_the_service(asks.ask("/sign-in/oidc").headers["location"])
    kept = dict(asks.cookies)
    assert asks.ask(again).status == 303
    replay = guest()
    replay.cookies = {"chaukas-oidc": kept["chaukas-oidc"]}
    assert replay.ask(again).status == 403
    state = parse_qs(urlsplit(again).query)["state"][0]
    for query in (f"code=x&state={state}x", "code=x", f"state={state}", "error=access_denied", ""):
        assert replay.ask(f"/sign-in/oidc/back?{query}").status == 403
    fresh = at_the_service(replay.ask("/sign-in/oidc").headers["location"])
    assert replay.ask(f"{fresh}&iss=https%3A%2F%2Fevil.example").status == 403


def test_a_sign_in_begun_too_long_ago_is_over(provider: Provider) -> None:
    """What is under way is forgotten after some minutes, and no more than so many are remembered."""
    at = [0.0]
    entry = SignIns(service(), clock=lambda: at[0])  # type: ignore[arg-type]
    state = parse_qs(urlsplit(entry.begin("b", "/")).query)["state"][0]
    at[0] += WAIT_S + 1
    with pytest.raises(Forbidden) as late:
        entry.finish("b", {"state": state, "code": "x"})
    assert late.value.code == "oidc.state"
    for _ in range(1_100):
        entry.begin("b", "/")
    assert len(entry._begun) == 1_000


@pytest.mark.parametrize("onward", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_the_way_on_stays_here(house: Store, provider: Provider, onward: str) -> None:
    """An address of another host is the first page."""
    linked(house, provider)
    assert come_back(guest(), onward).headers["location"] == "/"


@pytest.mark.parametrize(
    "told",
    [
        {"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "file:///etc/passwd"}, {"jwks_uri": 7},
    ],
)  # fmt: skip
def test_a_service_that_tells_unsafe_addresses_is_not_used(house: Store, provider: Provider, told: Claims) -> None:
    """Its own name must be the one that was set, and each address of https."""
    linked(house, provider)
    provider.told = told
    asks = guest()
    begun = asks.ask("/sign-in/oidc")
    answer = begun if begun.status != 303 else asks.ask(at_the_service(begun.headers["location"]))
    assert answer.status == 403
    assert list_sessions(house, str(find_account(house, "meera")["id"])) == []


def test_it_is_off_unless_set_up_whole(house: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is offered and no address works; set up in part, each missing setting is named."""
    assert service({}) is None
    assert "/sign-in/oidc" not in guest().ask("/sign-in").text
    assert guest().ask("/sign-in/oidc").status == 403
    with pytest.raises(InputError) as part:
        service({"CHAUKAS_OIDC_ISSUER": "http://evil.example", "CHAUKAS_OIDC_CLIENT_ID": "x"})
    assert sorted(fault.value for fault in part.value.faults) == ["CLIENT_SECRET", "RETURN", "http://evil.example"]
    monkeypatch.setenv("CHAUKAS_OIDC_ISSUER", "https://id.example")
    assert guest().ask("/sign-in").status == 200


def test_only_who_manages_accounts_links_and_one_identity_is_one_account_s(
    house: Store, provider: Provider, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command links, tells and takes away; what is linked already, or is no address, is refused."""
    account = linked(house, provider)
    for by, kind, value, code in (
        (TERMINAL, "email", "MEERA@example.org ", "identity.taken"), (TERMINAL, "email", "no address", "identity.value"),
        (TERMINAL, "phone", "1", "identity.value"), (identities.Actor("m", "M", ("member",)), "subject", "u", "access.forbidden"),
    ):  # fmt: skip
        with pytest.raises(ChaukasError) as refused:
            identities.link(house, by, account, provider.address, kind, value)
        assert refused.value.code == code
    assert cli.main(["account", "identity", "boss", "--subject", "u-7"]) == 0
    assert f"subject\tu-7\t{provider.address}" in capsys.readouterr().out
    assert cli.main(["account", "identity", "boss", "--none"]) == 0
    assert capsys.readouterr().out == ""
