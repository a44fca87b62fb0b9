"""The right to open one camera's picture."""

from __future__ import annotations

import base64
import json

import pytest

from live.tokens import Tokens
from planning.access import Actor
from planning.errors import Forbidden

ANNA, BINA = Actor("anna", "Anna", ("operator",)), Actor("bina", "Bina", ("operator",))


def test_a_token_is_good_once_for_its_actor_camera_and_minute() -> None:
    """It gives its reason back once; another's, another camera's, a late, a used and a changed one are refused by a code each."""
    now = [1000.0]
    tokens = Tokens(60.0, lambda: now[0])
    token = tokens.give(ANNA, "cam1", "चोरी की शिकायत")
    for actor, camera in ((BINA, "cam1"), (ANNA, "cam2")):
        with pytest.raises(Forbidden, match=r"token\.other"):
            tokens.take(token, actor, camera)
    now[0] += 59
    assert tokens.take(token, ANNA, "cam1") == "चोरी की शिकायत"
    with pytest.raises(Forbidden, match=r"token\.used"):
        tokens.take(token, ANNA, "cam1")
    late = tokens.give(ANNA, "cam1", "")
    now[0] += 60
    with pytest.raises(Forbidden, match=r"token\.late"):
        tokens.take(late, ANNA, "cam1")


@pytest.mark.parametrize("text", ["", ".", "x", "e30.e30", "é.é", "[]." + "0" * 64, "a" * 5000, "W10.00"])
def test_what_is_no_token_is_refused(text: str) -> None:
    """Whatever is sent in a token's place is refused as none, and breaks nothing."""
    with pytest.raises(Forbidden, match=r"token\.form"):
        Tokens(60.0, lambda: 0.0).take(text, ANNA, "cam1")


def test_a_token_of_another_key_or_with_another_camera_written_in_is_refused() -> None:
    """Nobody makes tokens but the server that takes them."""
    tokens = Tokens(60.0, lambda: 0.0)
    with pytest.raises(Forbidden, match=r"token\.form"):
        tokens.take(Tokens(60.0, lambda: 0.0).give(ANNA, "cam1", ""), ANNA, "cam1")
    text, _, seal = tokens.give(ANNA, "cam1", "").partition(".")
    body = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    body[1] = "cam2"
    forged = base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")
    with pytest.raises(Forbidden, match=r"token\.form"):
        tokens.take(f"{forged}.{seal}", ANNA, "cam2")
