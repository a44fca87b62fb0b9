"""Roles as data and the question who may do what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from planning.access import PUBLIC, Actor, actions, actor_of, known_roles, load_roles, may, require, roles
from planning.errors import Forbidden, InputError

OPERATOR = Actor("1", "Asha", ("operator",), frozenset({"J1-1"}))


def test_the_public_reads_published_plans_and_makes_suggestions_only() -> None:
    """Who is nobody has two rights."""
    assert {action for action in actions() if may(PUBLIC, action)} == {"plan.read_published", "suggestion.make"}


def test_an_administrator_sees_no_feed_and_an_operator_gives_no_rights() -> None:
    """Rights over people and rights over pictures are apart."""
    admin = Actor("2", "Ravi", ("admin",))
    assert may(admin, "account.manage")
    assert not may(admin, "live.view")
    assert may(OPERATOR, "live.view", "J1-1")
    assert not may(OPERATOR, "account.manage")


def test_a_role_has_the_actions_of_those_it_holds() -> None:
    """What a member may, a planner may; what a planner may, an administrator may."""
    assert roles()["public"].actions < roles()["member"].actions < roles()["planner"].actions < roles()["admin"].actions


def test_a_right_to_some_cameras_is_none_to_the_others() -> None:
    """Feeds are named one by one; None stands for all of them."""
    assert not may(OPERATOR, "live.view", "J1-2")
    assert may(Actor("3", "Meera", ("operator",)), "live.view", "J1-2")
    with pytest.raises(Forbidden, match=re.escape("live.view J1-2")) as refused:
        require(OPERATOR, "live.view", "J1-2")
    assert refused.value.faults[0].way_out == "Ask for the right to this camera"


def test_a_refusal_says_who_may() -> None:
    """The way out names the roles that hold the action."""
    with pytest.raises(Forbidden) as refused:
        require(PUBLIC, "vote.cast")
    assert refused.value.faults[0].way_out == "Ask someone who is admin or member or planner"


def test_an_action_nobody_knows_is_our_error_and_a_role_nobody_knows_gives_nothing() -> None:
    """A slip of the pen in code must not read as a refusal; a role that was taken out of the file has no rights left."""
    with pytest.raises(KeyError):
        may(PUBLIC, "plan.reed")
    assert not may(Actor("4", "Old", ("emperor",)), "plan.read")


def test_roles_are_kept_once_in_the_file_s_order_and_strange_ones_are_named() -> None:
    """Every strange role is told at once."""
    assert known_roles(["planner", "member", "planner"]) == ("member", "planner")
    with pytest.raises(Forbidden) as refused:
        known_roles(["king", "member", "bishop"])
    assert [fault.value for fault in refused.value.faults] == ["bishop", "king"]


def test_the_gate_s_word_is_taken_and_nothing_else() -> None:
    """What stands in the scope is an actor or the public."""
    assert actor_of({"chaukas.actor": OPERATOR}) is OPERATOR
    assert actor_of({}) is PUBLIC
    assert actor_of({"chaukas.actor": {"roles": ["admin"]}}) is PUBLIC


def test_every_fault_of_the_file_is_told(tmp_path: Path) -> None:
    """A role held before it is told and an unknown key are told together."""
    path = tmp_path / "roles.toml"
    path.write_text('version = 1\n[a]\ntitle = "A"\ntitle_hi = "अ"\nholds = ["b"]\nactions = ["x.y"]\nrank = 3\n', encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_roles(path)
    assert {fault.code for fault in refused.value.faults} == {"role.holds", "catalogue.unknown"}
