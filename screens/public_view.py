"""What everyone may read of a city's committee, as parts of a plain page: what it decided, and people's suggestions that are shown."""

from __future__ import annotations

from html import escape

from planning.proposals import public_decisions
from planning.store import Store
from planning.suggestions import shown_suggestions
from screens import library
from screens.acting import day_of
from screens.sheet import section, table
from screens.words import Words

MOST = 100  # rows of each kind on the page, the newest


def public_parts(store: Store, said: Words) -> list[str]:
    """A section of decisions and one of suggestions for each city that has any."""
    found = []
    for city in library.cities():
        title = library.city_title(city, said.hindi)
        decided = [
            [
                escape(day_of(str(row["created_at"]))), escape(str(row["plan"])), escape(said.say(f"status.{row['outcome']}")),
                escape(count_words(row["count"], said)), escape(str(row["reason"])),
            ]
            for row in public_decisions(store, city)[:MOST]
        ]  # fmt: skip
        if decided:
            heads = [said.say(f"decide.column.{key}") for key in ("day", "plan", "outcome", "count", "reason")]
            found.append(section(table(heads, decided), heading=f"{title}: {said.say('decide.public_decisions')}"))
        shown = [
            [escape(day_of(str(row["created_at"]))), escape(f"{row['lat']:.5f}, {row['lon']:.5f}"), escape(str(row["body"]))]
            for row in shown_suggestions(store, city)[:MOST]
        ]
        if shown:
            heads = [said.say("decide.column.day"), said.say("pin.where"), said.say("pin.column.body")]
            found.append(section(table(heads, shown), heading=f"{title}: {said.say('screen.suggestions')}"))
    return found


def count_words(count: dict[str, object], said: Words) -> str:
    """A decision's count in one line."""
    return said.say("decide.count", **{key: said.number(int(str(count.get(key, 0)))) for key in ("yes", "no", "abstain", "members", "waiting")})
