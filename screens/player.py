"""What the player of live video is told: its words, and where its script lies."""

from __future__ import annotations

from screens.routes import asset_url
from screens.words import Words

_KEYS = (
    "live", "stale", "offline", "wrong_password", "wrong_codec", "never_seen", "connecting", "refused", "masked", "pictures", "no_h265", "still",
    "full",
)  # fmt: skip


def player_words(said: Words) -> dict[str, str]:
    """The words of `play` and `wall` in `player.js`."""
    return {key: said.say(f"player.{key}") for key in _KEYS}


def player_url() -> str:
    """The address of the player's script."""
    return asset_url("player.js")
