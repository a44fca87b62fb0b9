"""The pages at the gate: signing in and out, one-time links, one's own account, everybody's accounts, and what the public may read.

Each form carries the session's token; what is typed is read up to a few kilobytes and no further.
"""

from __future__ import annotations

import asyncio
import time
from html import escape
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from planning.access import may, roles
from planning.accounts import (
    add_account,
    anybody,
    change_password,
    change_roles,
    enter_by_link,
    list_accounts,
    make_link,
    sign_in,
    turn_off,
    turn_on,
)
from planning.errors import ChaukasError, Forbidden, InputError
from planning.identities import identities_of
from planning.passwords import gate_figures
from planning.proposals import public
from planning.sessions import Session, account_of_link, end_session, end_sessions, list_sessions
from planning.store import Row, open_store
from planning.suggestions import open_cities
from screens import library
from screens.forms import Fields, agent_of, door, inside, offer, one, read_form, session_asked, wrong
from screens.gate import is_local, session_in, set_session
from screens.identity_part import tie, ties, untie
from screens.public_view import public_parts
from screens.sheet import anchor, code, field, form, page, section, table, text, tick
from screens.words import Words


async def signed_in(request: Request, token: str, back: str) -> Response:
    """On to where one wanted to go, under a new session; the one the browser had ends, so that nobody can have planted it."""
    before = session_in(request.scope)
    if before is not None:
        await run_in_threadpool(end_session, open_store(), before.actor.id, before.id)
    return set_session(RedirectResponse(back, 303, headers={"Cache-Control": "no-store"}), request.scope, token)


@door
async def _sign_in_page(request: Request, said: Words) -> Response:
    back = inside(request.query_params.get("next", "/"))
    if session_in(request.scope) is not None:
        return RedirectResponse(back if back != "/sign-in" else "/", 303)
    return sign_in_sheet(said, back)


def sign_in_sheet(said: Words, back: str, *parts: str, name: str = "", status: int = 200) -> Response:
    """The page to sign in on."""
    fields = [
        field("name", said.say("gate.name"), value=name, auto="username"),
        field("password", said.say("gate.password"), kind="password", auto="current-password"),
    ]
    at = f"/sign-in?next={quote(back, safe='')}"
    entry = form(f"{at}&lang={said.language}", fields, said.say("gate.sign_in"), hidden={})
    more = section(text(said.say("gate.forgotten"), "small"), anchor(f"/public?lang={said.language}", said.say("gate.public")))
    return page(said, said.say("gate.sign_in"), *parts, section(entry), offer(said, back), more, at=at, status=status)


@door
async def _sign_in(request: Request, said: Words) -> Response:
    began = time.monotonic()
    back = inside(request.query_params.get("next", "/"))
    given = await read_form(request, token=False)
    try:
        token = await run_in_threadpool(sign_in, open_store(), one(given, "name"), one(given, "password"), agent_of(request))
    except Forbidden as error:
        await asyncio.sleep(max(0.0, gate_figures()["refusal_s"] - (time.monotonic() - began)))
        waits = error.code == "sign.wait"
        answer = sign_in_sheet(said, back, wrong(error, said), name=one(given, "name"), status=429 if waits else 403)
        if waits:
            answer.headers["retry-after"] = error.faults[0].value
        return answer
    return await signed_in(request, token, back)


@door
async def _sign_out(request: Request, said: Words) -> Response:
    session = session_asked(request)
    await read_form(request)
    await run_in_threadpool(end_session, open_store(), session.actor.id, session.id)
    headers = {"Cache-Control": "no-store", "Clear-Site-Data": '"cache", "storage"'}
    return set_session(RedirectResponse(f"/sign-in?lang={said.language}", 303, headers=headers), request.scope, "")


@door
async def _link_page(request: Request, said: Words) -> Response:
    return await run_in_threadpool(_link_sheet, request, said)


def _link_sheet(request: Request, said: Words, *parts: str, status: int = 200) -> Response:
    token = request.path_params["token"]
    with open_store().read() as tx:
        account = account_of_link(tx, token)
    first = is_local(request.scope) and not anybody(open_store())
    at = f"/link/{quote(token, safe='')}"
    twice = [
        field(name, said.say(f"gate.{name}", least=int(gate_figures()["password_least"])), kind="password", auto="new-password")
        for name in ("new", "again")
    ]
    user = f'<input type="hidden" name="name" value="{escape(account["name"])}" autocomplete="username">'
    sheet = section(form(f"{at}?lang={said.language}", [user, *twice], said.say("gate.set_and_enter"), hidden={}))
    if first:
        just = form(f"{at}?lang={said.language}", [], said.say("gate.enter_first"), hidden={"first": "1"}, less=True)
        sheet += section(text(said.say("gate.first_more"), "small"), just)
    about = section(text(said.say("gate.link_for", title=account["title"] or account["name"], name=account["name"])))
    return page(said, said.say("gate.welcome"), *parts, about, sheet, at=at, status=status)


@door
async def _link(request: Request, said: Words) -> Response:
    given = await read_form(request, token=False)
    new, first = one(given, "new"), bool(one(given, "first")) and is_local(request.scope)
    try:
        _require_twice(given, empty=first)
        token = await run_in_threadpool(enter_by_link, open_store(), request.path_params["token"], new, agent_of(request))
    except InputError as error:
        return await run_in_threadpool(_link_sheet, request, said, wrong(error, said), status=400)
    return await signed_in(request, token, f"/?lang={said.language}")


def _require_twice(given: Fields, *, empty: bool = False) -> None:
    new = one(given, "new")
    if not new and not empty:
        raise InputError.one("password.needed", "A password must be set, to come back by", "Take three or four words of your own")
    if new != one(given, "again"):
        raise InputError.one("password.twice", "The two passwords differ", "Type the same one twice")


@door
async def _account(request: Request, said: Words) -> Response:
    return await run_in_threadpool(_account_sheet, session_asked(request), said)


def _account_sheet(session: Session, said: Words, *parts: str, status: int = 200) -> Response:
    actor, hidden, lang = session.actor, {"csrf": session.csrf}, f"?lang={said.language}"
    held = ", ".join(said.pick(roles()[key].title, roles()[key].title_hi) for key in actor.roles if key in roles())
    who = [text(f"{actor.name} · {held}"), form(f"/sign-out{lang}", [], said.say("gate.sign_out"), hidden=hidden)]
    ways = [anchor(f"/{lang}", said.say("gate.home"))]
    if may(actor, "account.manage"):
        ways.append(" · " + anchor(f"/accounts{lang}", said.say("gate.accounts")))
    least = int(gate_figures()["password_least"])
    old = field("old", said.say("gate.old"), kind="password", auto="current-password", needed=False)
    new = [field(name, said.say(f"gate.{name}", least=least), kind="password", auto="new-password") for name in ("new", "again")]
    change = form(f"/account/password{lang}", [old, *new], said.say("gate.change"), hidden=hidden)
    rows = [
        [
            escape(row["agent"] or "–"), _moment(row["created_at"]), _moment(row["expires_at"]),
            escape(said.say("gate.this")) if row["id"] == session.id
            else form(f"/account/sessions{lang}", [], said.say("gate.end"), hidden={**hidden, "session": row["id"]}, less=True),
        ]
        for row in list_sessions(open_store(), actor.id)
    ]  # fmt: skip
    everywhere = form(f"/account/sessions{lang}", [], said.say("gate.end_others"), hidden={**hidden, "session": "others"}, less=True)
    heads = [said.say(f"gate.{key}") for key in ("browser", "since", "until")]
    return page(
        said, said.say("gate.account"), *parts, section(*who, "<p>", *ways, "</p>"), section(change, heading=said.say("gate.change")),
        section(table([*heads, ""], rows), everywhere, heading=said.say("gate.sessions")), at="/account", status=status,
    )  # fmt: skip


def _moment(at: str) -> str:
    return escape(at[:16].replace("T", " ") + " UTC")


@door
async def _password(request: Request, said: Words) -> Response:
    began, session, given = time.monotonic(), session_asked(request), await read_form(request)
    try:
        _require_twice(given)
        await run_in_threadpool(change_password, open_store(), session, one(given, "old"), one(given, "new"))
    except ChaukasError as error:
        await asyncio.sleep(max(0.0, gate_figures()["refusal_s"] - (time.monotonic() - began)))
        return await run_in_threadpool(_account_sheet, session, said, wrong(error, said), status=403 if isinstance(error, Forbidden) else 400)
    return await run_in_threadpool(_account_sheet, session, said, section(text(said.say("gate.changed")), kind="told"))


@door
async def _sessions(request: Request, said: Words) -> Response:
    session, given = session_asked(request), await read_form(request)
    await run_in_threadpool(_end, session, one(given, "session"))
    return RedirectResponse(f"/account?lang={said.language}", 303)


def _end(session: Session, which: str) -> None:
    """End one of one's own sessions, or all others."""
    store = open_store()
    if which == "others":
        with store.write(session.actor.id, "session.end_others", session.actor.id) as tx:
            end_sessions(tx, session.actor.id, but=session.id)
    elif which in {row["id"] for row in list_sessions(store, session.actor.id)}:
        end_session(store, session.actor.id, which)


@door
async def _accounts(request: Request, said: Words) -> Response:
    return await run_in_threadpool(_accounts_sheet, session_asked(request), said)


def _accounts_sheet(session: Session, said: Words, *parts: str, status: int = 200) -> Response:
    lang, hidden = f"?lang={said.language}", {"csrf": session.csrf}
    known: dict[str, list[Row]] = {}
    for found in identities_of(open_store()):
        known.setdefault(found["account"], []).append(found)

    def ticks(held: list[str]) -> str:
        return "".join(tick("roles", key, said.pick(role.title, role.title_hi), on=key in held) for key, role in roles().items() if key != "public")

    def change(row: Row) -> str:
        mine = {**hidden, "account": row["id"]}
        where = f"/accounts/change{lang}"
        does = ["link", "off"] if row["active"] else ["on"]
        buttons = "".join(form(where, [], said.say(f"gate.do_{do}"), hidden={**mine, "do": do}, less=True) for do in does)
        own = form(where, [ticks(row["roles"])], said.say("gate.do_roles"), hidden={**mine, "do": "roles"}, less=True) + buttons
        return own + ties(known.get(row["id"], []), where, mine, said)

    def state(row: Row) -> str:
        return said.say("gate.is_off" if not row["active"] else "gate.is_on" if row["has_password"] else "gate.is_new")

    rows = [[f"<b>{escape(row['name'])}</b><br>{escape(row['title'])}", escape(state(row)), change(row)] for row in list_accounts(open_store())]
    new = [field("name", said.say("gate.new_name")), field("title", said.say("gate.new_title"), needed=False), ticks(["member"]), "<br>"]
    adding = section(form(f"/accounts/add{lang}", new, said.say("gate.add"), hidden=hidden), heading=said.say("gate.add"))
    listed = section(table([said.say(f"gate.{key}") for key in ("name", "state", "rights")], rows), heading=said.say("gate.accounts"))
    own = section(anchor(f"/account{lang}", said.say("gate.account")))
    return page(said, said.say("gate.accounts"), *parts, own, adding, listed, at="/accounts", status=status)


@door
async def _add(request: Request, said: Words) -> Response:
    session, given = session_asked(request), await read_form(request)

    def work() -> Response:
        store, by = open_store(), session.actor
        account = add_account(store, by, one(given, "name"), title=one(given, "title"), roles=given.get("roles", []))
        return _accounts_sheet(session, said, _told_link(request, said, make_link(store, by, account)))

    return await run_in_threadpool(work)


@door
async def _change(request: Request, said: Words) -> Response:
    session, given = session_asked(request), await read_form(request)
    do, account = one(given, "do"), one(given, "account")

    def work() -> Response:
        store, by = open_store(), session.actor
        told = ""
        if do == "roles":
            with store.read() as tx:
                cameras = tx.get("accounts", account)["cameras"]
            change_roles(store, by, account, given.get("roles", []), cameras=cameras)
        elif do == "link":
            told = _told_link(request, said, make_link(store, by, account))
        elif do in {"off", "on"}:
            (turn_off if do == "off" else turn_on)(store, by, account)
        elif do in {"tie", "untie"}:
            try:
                told = tie(store, by, account, given, said) if do == "tie" else untie(store, by, account, given, said)
            except InputError as error:
                return _accounts_sheet(session, said, wrong(error, said), status=400)
        return _accounts_sheet(session, said, told)

    return await run_in_threadpool(work)


def _told_link(request: Request, said: Words, token: str) -> str:
    hours = f"{gate_figures()['link_hours']:g}"
    return section(text(said.say("gate.link_told", hours=hours)), code(str(request.url.replace(path=f"/link/{token}", query=""))), kind="told")


@door
async def _public(request: Request, said: Words) -> Response:
    return await run_in_threadpool(_public_sheet, said)


def _public_sheet(said: Words) -> Response:
    with open_store().read() as tx:
        plans = [row for row in tx.rows("plans", order="published_at") if public(row)]
        head = tx.head()
    rows = [
        [
            escape(library.city_title(row["city"], said.hindi)), _page_of(row, said), escape(said.short(row["capital_inr"])),
            escape(said.share(row["coverage"])), _moment(row["published_at"]),
        ]
        for row in reversed(plans)
    ]  # fmt: skip
    heads = [said.say(f"gate.plan_{key}") for key in ("city", "id", "capital", "coverage", "when")]
    listed = table(heads, rows) if rows else text(said.say("gate.no_plans"))
    sealed = section(text(said.say("gate.head", head=head), "small")) if head.seq else ""
    entry = section(anchor(f"/sign-in?lang={said.language}", said.say("gate.sign_in")))
    if open_cities(open_store()):
        entry += section(anchor(f"/suggest?lang={said.language}", said.say("suggest.title")))
    return page(said, said.say("gate.public"), section(listed), *public_parts(open_store(), said), sealed, entry, at="/public")


def _page_of(plan: Row, said: Words) -> str:
    """The id of a published plan, leading to its page where its file stands under it."""
    if plan["file"] != f"{plan['plan']}.gpkg":
        return escape(plan["id"])
    return anchor(f"/public/{quote(plan['city'], safe='')}/{plan['plan']}?lang={said.language}", plan["id"])


def gate_routes() -> list[BaseRoute]:
    """All addresses of the gate's pages."""
    return [
        Route("/sign-in", _sign_in_page, methods=["GET"]), Route("/sign-in", _sign_in, methods=["POST"]),
        Route("/sign-out", _sign_out, methods=["POST"]),
        Route("/link/{token}", _link_page, methods=["GET"]), Route("/link/{token}", _link, methods=["POST"]),
        Route("/account", _account, methods=["GET"]), Route("/account/password", _password, methods=["POST"]),
        Route("/account/sessions", _sessions, methods=["POST"]),
        Route("/accounts", _accounts, methods=["GET"]), Route("/accounts/add", _add, methods=["POST"]),
        Route("/accounts/change", _change, methods=["POST"]),
        Route("/public", _public, methods=["GET"]),
    ]  # fmt: skip
