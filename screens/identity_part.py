"""The part of the accounts' page that ties an account to who its owner is by another sign-in service, and takes that off again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape

from planning.access import Actor
from planning.identities import KINDS, link, unlink
from planning.store import Row, Store
from screens.forms import Fields, one
from screens.sheet import choice, field, form, section, text
from screens.words import Words


def ties(rows: Sequence[Row], where: str, hidden: dict[str, str], said: Words) -> str:
    """What an account is tied to, each with a button to take it off, and the fields to tie it; folded up.

    Parameters
    ----------
    rows: its identities. where: the address the forms go to. hidden: the fields that name session and account.
    """
    listed = "".join(
        f"<p><b>{escape(row['value'])}</b><br>{escape(said.say(_called(row['kind'])))} · {escape(row['issuer'])}</p>"
        + form(where, [], said.say("identity.untie"), hidden={**hidden, "do": "untie", "identity": row["id"]}, less=True)
        for row in rows
    )
    fields = [
        choice("kind", said.say("identity.by"), [(kind, said.say(_called(kind))) for kind in KINDS]),
        field("value", said.say("identity.value")),
        field("issuer", said.say("identity.issuer"), value=os.environ.get("CHAUKAS_OIDC_ISSUER", "").strip()),
    ]
    adding = form(where, fields, said.say("identity.tie"), hidden={**hidden, "do": "tie"}, less=True)
    heading = escape(said.say("identity.title", count=len(rows)))
    return f"<details><summary>{heading}</summary>{listed}{text(said.say('identity.about'), 'small')}{adding}</details>"


def tie(store: Store, by: Actor, account: str, given: Fields, said: Words) -> str:
    """Tie an account to what a form says; what is told of it. Raises as `planning.identities.link`."""
    link(store, by, account, one(given, "issuer"), one(given, "kind"), one(given, "value"))
    return section(text(said.say("identity.tied")), kind="told")


def untie(store: Store, by: Actor, account: str, given: Fields, said: Words) -> str:
    """Take off the identity a form names; what is told of it. Raises as `planning.identities.unlink`."""
    unlink(store, by, account, one(given, "identity"))
    return section(text(said.say("identity.untied")), kind="told")


def _called(kind: str) -> str:
    return f"identity.kind_{kind}"
