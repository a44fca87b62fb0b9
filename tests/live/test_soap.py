"""XML of devices, read with care."""

from __future__ import annotations

import pytest

from live.soap import body_of, envelope, found, read_xml, text_of, word
from planning.errors import FeedError


def test_what_is_sound_is_read_whatever_its_prefixes() -> None:
    """Elements are found by their local names; comments and instructions are none."""
    root = read_xml(envelope('<x:Probe><!-- no --><?no?><x:Name> नेहरू\n चौक </x:Name></x:Probe>', x="urn:x"), 10_000)
    assert body_of(root) == "Probe"
    assert text_of(root, "Name") == "नेहरू चौक"
    assert len(list(found(root, "Name"))) == 1
    assert (text_of(root, "None"), body_of(read_xml(b"<a/>", 10))) == ("", "")


@pytest.mark.parametrize("data", [
    b"", b"<a>", b"<a/>" + b" " * 100, b"<!DOCTYPE a><a/>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"<a b='1' b='2'/>", b"\xff\xfe<\x00a\x00",
])  # fmt: skip
def test_what_is_not_sound_is_refused_in_words(data: bytes) -> None:
    """Nothing, half of it, too much, a document type; the device is named."""
    with pytest.raises(FeedError, match=r"onvif\.answer.*10\.0\.0\.9"):
        read_xml(data, 100, "10.0.0.9")


def test_a_device_s_words_are_one_short_line() -> None:
    """Control signs, signs that turn a line round, and length are taken off."""
    assert word("a\x1b[31m\n\u202eb\t c" + "d" * 200, 12) == "a[31m b cddd"
    assert word(None) == ""
