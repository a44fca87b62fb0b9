"""The pages at the gate, through the gate: signing in and out, links, one's own account, everybody's, and what the public reads."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from planning import accounts
from planning.accounts import TERMINAL, add_account, enter_by_link, find_account, first_link, list_accounts, make_link
from planning.identities import identities_of
from planning.passwords import gate_figures
from planning.sessions import list_sessions
from planning.store import Store, now, open_store
from screens import doors, gate
from screens.doors import gate_routes
from screens.forms import inside
from screens.gate import Gate
from screens.middleware import StayHome
from tests.screens.toy import HOSTILE
from tests.screens.visitor import Answer, Visitor

GOOD, OTHER = "tulsi chai subah", "neem ke neeche bench"


@pytest.fixture(name="house")
def store_of_the_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store of one's own with an administrator and a member; refusals come without delay."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path))
    monkeypatch.setattr(accounts, "_strangers", accounts._Strangers())
    monkeypatch.setattr(gate, "_FRESH_S", 0.0)
    monkeypatch.setattr(doors, "gate_figures", lambda: gate_figures().replaced(refusal_s=0))
    store = open_store()
    for name, role in (("boss", "admin"), ("meera", "member")):
        enter_by_link(store, make_link(store, TERMINAL, add_account(store, TERMINAL, name, title=f"{name} {HOSTILE}", roles=[role])), GOOD)
    yield store
    store.engine.dispose()


def guest(**more: Any) -> Visitor:
    """Someone not signed in, at the gate's pages."""
    return Visitor(Starlette(routes=gate_routes(), middleware=[Middleware(StayHome), Middleware(Gate)]), **more)


def signed_in(name: str, **more: Any) -> Visitor:
    """Someone signed in by password."""
    asks = guest(**more)
    assert asks.post("/sign-in?next=%2F", {"name": name, "password": GOOD}).status == 303
    return asks


def token_of(asks: Visitor) -> str:
    """The form token of a page of one's account."""
    found = re.search(r'name="csrf" value="([^"]+)"', asks.ask("/account").text)
    assert found
    return found[1]


def safe(answer: Answer) -> Answer:
    """The page, which holds no script and none of the hostile names' markup."""
    assert "<script" not in answer.text
    assert "<img" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
    return answer


@pytest.mark.parametrize(("scheme", "name", "more"), [("http", "chaukas", ""), ("https", "__Host-chaukas", "; Secure")])
def test_the_cookie_is_for_this_host_and_no_script(house: Store, scheme: str, name: str, more: str) -> None:
    """HttpOnly and SameSite always; under https Secure and bound to the host, and the browser is told to stay with https."""
    asks = guest(scheme=scheme)
    answer = asks.post("/sign-in", {"name": "meera", "password": GOOD})
    assert (answer.status, answer.headers["location"]) == (303, "/")
    (cookie,) = answer.cookies
    assert re.fullmatch(rf"{name}=[\w-]{{43}}; HttpOnly; Path=/; SameSite=lax{more}", cookie)
    assert ("strict-transport-security" in answer.headers) == (scheme == "https")
    assert asks.ask("/account").status == 200


def test_a_planted_session_is_ended_at_sign_in(house: Store) -> None:
    """Whoever knew the session a browser had before knows nothing of the one it has after."""
    planted = signed_in("meera").cookies["chaukas"]
    asks = guest(cookies={"chaukas": planted})
    assert asks.post("/link/" + make_link(house, TERMINAL, find_account(house, "boss")["id"]), {"new": OTHER, "again": OTHER}).status == 303
    assert asks.cookies["chaukas"] != planted
    assert guest(cookies={"chaukas": planted}).ask("/account").status == 401
    strange = guest(cookies={"chaukas": "chosen-by-somebody"})
    strange.post("/sign-in", {"name": "meera", "password": GOOD})
    assert strange.cookies["chaukas"] != "chosen-by-somebody"


def test_wrong_passwords_are_refused_in_words_and_then_wait(house: Store) -> None:
    """The page keeps the name and never the password; after the free tries it says how long to wait, in both languages."""
    for _ in range(int(gate_figures()["free_tries"])):
        answer = safe(guest().post("/sign-in?lang=en", {"name": "meera", "password": "<b>wrong"}))
        assert answer.status == 403
        assert "Name and password do not belong together" in answer.text
        assert 'value="meera"' in answer.text
        assert "wrong" not in answer.text.replace('class="wrong"', "").replace(".wrong", "")
        assert answer.cookies == []
    for language, words in (("en", "too many wrong passwords"), ("hi", "बहुत बार ग़लत पासवर्ड")):
        answer = guest().post(f"/sign-in?lang={language}", {"name": "meera", "password": GOOD})
        assert answer.status == 429
        assert words in answer.text
        assert 1 <= int(answer.headers["retry-after"]) <= 30


def test_nobody_is_led_out_of_the_app(house: Store) -> None:
    """Signing in goes on to an address of the app, or to its first page; no line of the answer can be added."""
    strange = ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "\\\\evil", "", "/\x00", "evil", "/" + "x" * 3000]
    for address in (*strange, "/a\r\nset-cookie: x=1", "/\t/evil.example"):
        assert inside(address) == "/"
    for address in (strange[0], "/a\r\nset-cookie: x=1"):
        answer = guest().post(f"/sign-in?next={quote(address)}", {"name": "meera", "password": GOOD})
        assert answer.headers["location"] == "/"
        assert len(answer.cookies) == 1


def test_an_address_of_the_app_is_gone_back_to(house: Store) -> None:
    """With its query."""
    assert guest().post("/sign-in?next=%2F%3Fcity%3Dtoy%26lang%3Den", {"name": "meera", "password": GOOD}).headers["location"] == "/?city=toy&lang=en"


def test_sign_out_ends_the_session_here_and_at_the_server(house: Store) -> None:
    """The cookie is gone, what the browser kept is cleared, and the session no longer works for whoever copied it."""
    asks = signed_in("meera")
    copied, csrf = asks.cookies["chaukas"], token_of(asks)
    answer = asks.post("/sign-out", {"csrf": csrf})
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in?lang=hi")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert asks.cookies == {}
    assert guest(cookies={"chaukas": copied}).ask("/account").status == 401


@pytest.mark.parametrize("url", ["/sign-out", "/account/password", "/account/sessions", "/accounts/add", "/accounts/change"])
def test_no_form_is_taken_without_the_session_s_token(house: Store, url: str) -> None:
    """None, another session's, a wrong one: refused, and nothing is done."""
    asks, other = signed_in("boss"), token_of(signed_in("boss"))
    account = find_account(house, "meera")["id"]
    fields = {"name": "new", "do": "off", "account": account, "session": "others", "new": OTHER, "again": OTHER, "old": GOOD}
    before = list_accounts(house), len(list_sessions(house))
    for csrf in ({}, {"csrf": other}, {"csrf": ""}):
        answer = safe(asks.post(url + "?lang=en", {**fields, **csrf}))
        assert answer.status == 403
        assert "The form does not belong to this sign-in" in html.unescape(answer.text)
    assert (list_accounts(house), len(list_sessions(house))) == before


def test_a_form_too_large_or_none_is_refused(house: Store) -> None:
    """A megabyte, bytes that are no text, and a thousand fields."""
    for body in (b"name=" + b"x" * 1_000_000, b"name=%ff%fe\xff", b"&".join(b"a=1" for _ in range(1000))):
        answer = guest().ask("/sign-in", "POST", body, origin="http://127.0.0.1:8501")
        assert answer.status == 400


def test_one_s_own_password_and_sessions(house: Store) -> None:
    """The old password is asked, the new one twice; a change ends all other sessions; one can be ended by itself, another's cannot."""
    asks, elsewhere = signed_in("meera"), signed_in("meera")
    csrf = token_of(asks)

    def change(**fields: str) -> Answer:
        return safe(asks.post("/account/password?lang=en", {"csrf": csrf, "old": GOOD, "new": OTHER, "again": OTHER, **fields}))

    assert "The two passwords differ" in change(again="x").text
    assert "A password must be set" in change(new="", again="").text
    assert "easy to guess" in change(new="password1234", again="password1234").text
    assert change(old="wrong").status == 403
    assert elsewhere.ask("/account").status == 200
    assert "The password is changed" in change().text
    assert elsewhere.ask("/account").status == 401
    boss = signed_in("boss")
    (theirs,) = [row["id"] for row in list_sessions(house, find_account(house, "boss")["id"]) if row["agent"] == ""][:1]
    asks.post("/account/sessions", {"csrf": csrf, "session": theirs})
    assert boss.ask("/account").status == 200
    (mine,) = [row["id"] for row in list_sessions(house, find_account(house, "meera")["id"])]
    assert asks.post("/account/sessions", {"csrf": csrf, "session": mine}).status == 303
    assert asks.ask("/account").status == 401


def test_an_invitation_from_page_to_first_sign_in(house: Store) -> None:
    """An administrator adds a person and gets a link; its page shows who it is for, takes a password, and lets in; then it is spent."""
    boss = signed_in("boss")
    added = safe(boss.post("/accounts/add?lang=en", {"csrf": token_of(boss), "name": "ravi", "title": HOSTILE, "roles": ["planner", "member"]}))
    found = re.search(r"http://127\.0\.0\.1:8501(/link/[\w-]{43})<", added.text)
    assert found
    asks = guest()
    page = safe(asks.ask(found[1] + "?lang=en"))
    assert html.escape(HOSTILE) in page.text
    assert "Enter now without a password" not in page.text
    weak = safe(asks.post(found[1] + "?lang=en", {"new": "password1234", "again": "password1234"}))
    assert "easy to guess" in weak.text
    assert asks.post(found[1], {"first": "1"}).status == 400
    assert asks.post(found[1], {"new": OTHER, "again": OTHER}).status == 303
    assert asks.ask("/account").status == 200
    assert asks.ask("/accounts").status == 403
    spent = safe(guest().ask(found[1] + "?lang=en"))
    assert spent.status == 403
    assert "used already or is past its time" in spent.text


def test_an_administrator_changes_roles_and_turns_accounts_off_and_on(house: Store) -> None:
    """Each button does what it says; the last administrator cannot be taken away, and that is told; cameras stay as they were."""
    boss = signed_in("boss")
    csrf, meera, own = token_of(boss), find_account(house, "meera")["id"], find_account(house, "boss")["id"]

    def change(account: str, do: str, **fields: Any) -> Answer:
        return safe(boss.post("/accounts/change?lang=en", {"csrf": csrf, "account": account, "do": do, **fields}))

    change(meera, "roles", roles=["operator"])
    assert find_account(house, "meera")["roles"] == ["operator"]
    change(meera, "off")
    assert find_account(house, "meera")["active"] is False
    change(meera, "on")
    assert find_account(house, "meera")["active"] is True
    assert "/link/" in change(meera, "link").text
    refused = change(own, "roles", roles=["member"])
    assert refused.status == 400
    assert "Nobody would be left" in refused.text


def test_an_administrator_ties_an_account_to_another_service_and_takes_it_off(house: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """By e-mail address or lasting name, at the service that is set up unless another is named; each is listed as text, audited, and taken off by
    itself; whoever was signed in is out then. What is no address, or is another account's, is told on the page.
    """
    monkeypatch.setenv("CHAUKAS_OIDC_ISSUER", "https://id.example")
    boss, meera = signed_in("boss"), find_account(house, "meera")["id"]
    csrf = token_of(boss)

    def change(account: str, do: str, **fields: str) -> Answer:
        return safe(boss.post("/accounts/change?lang=en", {"csrf": csrf, "account": account, "do": do, **fields}))

    assert 'name="issuer" value="https://id.example"' in boss.ask("/accounts").text
    issuer = {"issuer": "https://id.example"}
    assert "The account is tied." in change(meera, "tie", kind="email", value=" Meera@Example.org", **issuer).text
    page = change(meera, "tie", kind="subject", value=HOSTILE, **issuer).text
    assert html.escape(HOSTILE) in page
    assert "Sign-in by another service (2)" in page
    assert [(row["kind"], row["value"]) for row in identities_of(house, meera)] == [("email", "meera@example.org"), ("subject", HOSTILE)]
    for fields, words in (
        ({"kind": "email", "value": "nobody", **issuer}, "This is no e-mail address"),
        ({"kind": "name", "value": "x", **issuer}, "This is no e-mail address"),
        ({"kind": "subject", "value": "x", "issuer": "example"}, "no service&#x27;s address"),
        ({"kind": "email", "value": "meera@example.org", **issuer}, "linked to this already"),
    ):  # fmt: skip
        answer = change(find_account(house, "boss")["id"], "tie", **fields)
        assert (answer.status, words in answer.text) == (400, True), answer.text
    theirs = signed_in("meera")
    first, second = identities_of(house, meera)
    assert change(find_account(house, "boss")["id"], "untie", identity=first["id"]).status == 400
    assert "sessions have ended" in change(meera, "untie", identity=first["id"]).text
    assert identities_of(house) == [second]
    assert theirs.ask("/account").status == 401
    with house.read() as tx:
        lines = [(line["action"], line["by"]) for line in tx.lines(subject=meera) if line["action"].startswith("account.identity")]
    own = find_account(house, "boss")["id"]
    assert lines == [("account.identity", own)] * 2 + [("account.identity_off", own)]
    assert house.verify()[1] is None
    member = signed_in("meera")
    sent = {"csrf": token_of(member), "account": meera, "do": "tie", "kind": "subject", "value": "me", **issuer}
    assert member.post("/accounts/change", sent).status == 403
    hindi = boss.ask("/accounts").text
    assert "दूसरी सेवा से प्रवेश (1)" in hindi


def test_the_first_run_is_by_link_and_only_from_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nobody has a password the link's page offers to enter without one; who enters is an administrator."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path))
    link = first_link(open_store())
    assert link is not None
    asks = guest()
    assert "Enter now without a password" in safe(asks.ask(f"/link/{link}?lang=en")).text
    answer = asks.post(f"/link/{link}?lang=en", {"first": "1"})
    assert (answer.status, answer.headers["location"]) == (303, "/?lang=en")
    assert asks.ask("/accounts").status == 200
    open_store().engine.dispose()


def test_the_public_reads_published_plans_and_no_others(house: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page in both languages with what was published, its names as text, and the audit's head; nothing that was not published, that the verifier
    has not agreed to, or whose file is another now; decisions and suggestions that are shown, theirs too as text.
    """
    folder = tmp_path / "cities" / HOSTILE
    (folder / "plans").mkdir(parents=True)
    (folder / "city.toml").touch()
    (folder / "plans" / "f").write_bytes(b"plan")
    monkeypatch.setenv("CHAUKAS_CITIES", str(folder.parent))
    digest = hashlib.sha256(b"plan").hexdigest()
    with house.write("test", "test.plans", "p") as tx:
        scenario = tx.add("scenarios", {"city": "toy", "content": {}, "by": "t", "created_at": now()})
        for name, published, verified, of in (
            ("plan-shown", now(), True, digest), ("plan-hidden", None, True, digest), ("plan-unchecked", now(), False, digest),
            ("plan-changed", now(), True, "e"),
        ):  # fmt: skip
            tx.add("plans", {
                "id": name, "city": HOSTILE, "scenario": scenario, "city_digest": "d", "file": "f", "digest": of, "verified": verified,
                "capital_inr": 12_345_678, "coverage": 0.5, "by": "t", "created_at": now(), "published_at": published,
            })  # fmt: skip
        row = {"city": HOSTILE, "plan": "plan-shown", "by": "t", "quorum": 0.5, "majority": 0.5, "opened_at": now(), "closed_at": now()}
        decided = {"outcome": "sent_back", "reason": "Too dear <b>", "count": {"yes": 1}, "by": "t", "created_at": now()}
        tx.add("decisions", {"proposal": tx.add("proposals", row), "plan": "plan-shown", **decided})
        for body, state in (("Dark <b> lane", "shown"), ("Not looked at", "waiting")):
            tx.add("suggestions", {"city": HOSTILE, "lat": 22.0, "lon": 82.0, "body": body, "state": state, "created_at": now()})
    for language in ("hi", "en"):
        page = safe(guest().ask(f"/public?lang={language}"))
        assert "plan-shown" in page.text
        assert not [name for name in ("hidden", "unchecked", "changed") if f"plan-{name}" in page.text]
        assert "Too dear &lt;b&gt;" in page.text
        assert "Dark &lt;b&gt; lane" in page.text
        assert "Not looked at" not in page.text
        assert html.escape(HOSTILE) in page.text
        with house.read() as tx:
            assert str(tx.head()) in page.text


@pytest.mark.parametrize("url", ["/sign-in", "/account", "/accounts", "/public"])
def test_each_page_is_in_both_languages_without_script(house: Store, url: str) -> None:
    """Hindi unless English is asked for; the other language is one link away; names are text."""
    asks = guest() if url == "/sign-in" else signed_in("boss")
    hindi, english = safe(asks.ask(url)), safe(asks.ask(f"{url}?lang=en"))
    assert 'lang="hi"' in hindi.text
    assert re.search(r"[ऀ-ॿ]{3}", hindi.text)
    assert 'lang="en"' in english.text
    assert "lang=hi" in english.text
