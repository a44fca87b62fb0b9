"""The words people read, in Hindi and English: gettext catalogues read as they stand, by key.

Numbers are grouped the Indian way in both languages, with the digits 0-9.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

from planning.errors import Fault
from planning.money import group_digits, say_rupees, say_short

LANGUAGES = {"hi": "हिन्दी", "en": "English"}
_FOLDER = Path(__file__).parent
# A word joiner after these keeps what looks like an address from becoming a link.
_LINK = re.compile(r"://|www(?=\.)|(?=@)", re.IGNORECASE)
# Values of notes: figures by these names, texts by all others.
_FIGURES, _FIGURE, _TEXT = frozenset({"n", "m", "k", "share", "figure", "low", "high"}), r"[\d.,:%−-]{1,24}", r".{1,400}?"
_LONGEST_NOTE = 1_000
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    language: str
    catalogue: Mapping[str, str]

    @property
    def hindi(self) -> bool:
        """Whether this is Hindi."""
        return self.language == "hi"

    def say(self, key: str, /, **values: object) -> str:
        """The sentence of a key with its values filled in; KeyError where the catalogue lacks it."""
        return self.catalogue[key].format(**values)

    def name(self, kind: str, key: str) -> str:
        """The word for a coded value such as a kind of camera; the code itself where there is none."""
        return self.catalogue.get(f"{kind}.{key}", key)

    def pick(self, english: str, hindi: str) -> str:
        """The title in this language; the other where this one is empty."""
        return (hindi or english) if self.hindi else (english or hindi)

    def fault(self, fault: Fault) -> str:
        """A fault as one paragraph of plain text: what is wrong, the value met, the way out."""
        what = self.catalogue.get(f"fault.{fault.code}", fault.what)
        way_out = self.catalogue.get(f"way.{fault.code}", fault.way_out)
        met = f" ({self.say('fault.got', value=fault.value)})" if fault.value else ""
        return f"{what}{met}. {way_out}."

    def note(self, text: str) -> str:
        """A note of a city or plan, kept as an English sentence, in this language: known by its words, its values kept; as it stands where no
        sentence is known.
        """
        if not self.hindi or len(text) > _LONGEST_NOTE:
            return text
        for pattern, key in _note_forms():
            found = pattern.fullmatch(text)
            if found:
                return self.say(key, **{name: self.name("noted", value) for name, value in found.groupdict().items()})
        return text

    def number(self, value: float, digits: int = 0) -> str:
        """1234567.8 -> 12,34,568; `digits` after the point."""
        rounded = f"{abs(value):.{digits}f}"
        whole, _, rest = rounded.partition(".")
        sign = "−" if value < 0 and float(rounded) else ""
        return sign + group_digits(int(whole)) + (f".{rest}" if rest else "")

    def share(self, value: float, digits: int = 1) -> str:
        """0.1234 -> 12.3 %."""
        return f"{self.number(value * 100, digits)} %"

    def money(self, rupees: int) -> str:
        """Rupees to the last one."""
        return say_rupees(rupees)

    def short(self, rupees: int) -> str:
        """Rupees in lakh and crore."""
        return say_short(rupees, hindi=self.hindi)


@lru_cache(maxsize=1)
def _note_forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    """English sentences of notes as patterns, with their keys; those with the most words of their own first."""
    forms = []
    for key, sentence in words("en").catalogue.items():
        if key.startswith("note."):
            parts = list(string.Formatter().parse(sentence))
            text = "".join(re.escape(own) + (f"(?P<{name}>{_FIGURE if name in _FIGURES else _TEXT})" if name else "") for own, name, _, _ in parts)
            forms.append((sum(len(own) for own, *_ in parts), re.compile(text, re.DOTALL), key))
    forms.sort(key=lambda form: (-form[0], form[2]))
    return tuple((pattern, key) for _, pattern, key in forms)


@lru_cache(maxsize=len(LANGUAGES))
def words(language: str) -> Words:
    """The words of a language; Hindi for a language we do not speak."""
    code = language if language in LANGUAGES else "hi"
    with (_FOLDER / f"{code}.po").open("rb") as stream:
        catalogue = read_po(stream, locale=code, abort_invalid=True)
    return Words(code, {str(message.id): str(message.string) for message in catalogue if message.id})


def plain(text: object) -> str:
    """Text from data made safe where Markdown is read: every mark is escaped, so that it draws, links and runs nothing."""
    return _PUNCTUATION.sub(r"\\\1", _LINK.sub("\\g<0>\u2060", " ".join(str(text).split())))
