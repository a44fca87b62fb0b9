"""A plan as a page of its own."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import cli
from planning.city import City
from planning.errors import InputError
from screens import library
from screens.page import alone, bundle, quiet_json, write_page
from screens.words import words
from tests.screens.toy import HOSTILE


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.said.append(data)


def made(toy: City, language: str = "en", verified: bool = True) -> str:
    """The page of a toy plan."""
    plan = next(plan for plan in (library.plan(toy, file.id) for file in library.plan_files(toy)) if plan.verified == verified)
    return alone(plan, toy, words(language))


@pytest.mark.parametrize("language", ["hi", "en"])
def test_the_page_holds_all_a_reader_needs(toy: City, language: str) -> None:
    """Numbers, bound, wards, costs, method, limits, assumptions, sources and cameras, in its language; made data says so."""
    said, page = words(language), Tags(made(toy, language))
    text = " ".join(page.said)
    for key in ("wards", "costs", "method", "limits", "assumptions", "cameras"):
        assert said.say(f"report.{key}") in text, key
    assert said.say("page.sources") in text
    assert said.say("made.more") in text
    assert said.say("report.at_sites", n="20", sites="20") in text
    assert "₹10,00,000" in text
    assert "OpenStreetMap extract, ODbL" in text
    assert dict(page.tags)["html"]["lang"] == language
    unverified = Tags(made(toy, language, verified=False))
    assert said.say("report.unverified") in " ".join(unverified.said)
    assert said.say("report.unverified") not in text


def test_nothing_in_the_page_asks_a_network(toy: City) -> None:
    """No tag names an address but data; styles and scripts are inside, and the policy allows nothing from elsewhere."""
    page = Tags(made(toy))
    asked = [value for _, attrs in page.tags for name, value in attrs.items() if name in ("src", "href", "action", "data", "srcset")]
    assert asked == []
    told = json.loads(next(text for text in page.said if text.startswith('{"assets"')))
    assert {url.split(",")[0] for url in told["urls"].values()} == {"data:application/gzip;base64"}
    assert set(told["urls"]) == {"roads", "buildings", "wards", "cameras", "planned", "views", "existing_views", "demand"}
    styles = " ".join(text for text in page.said if "@font-face" in text)
    assert set(re.findall(r"url\((?!data:)[^)]*\)", styles)) == set()
    policy = next(attrs["content"] for tag, attrs in page.tags if tag == "meta" and attrs.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


def test_only_our_own_scripts_may_run(toy: City) -> None:
    """Each script that runs is one whose digest the policy names; the toy's hostile names stand as text only."""
    text = made(toy)
    page = Tags(text)
    policy = next(str(attrs["content"]) for tag, attrs in page.tags if tag == "meta" and attrs.get("http-equiv"))
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy
    assert {tag for tag, _ in page.tags} & {"img", "iframe", "object", "embed", "svg", "a", "form"} == set()
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert HOSTILE in " ".join(page.said)
    assert HOSTILE not in text
    assert html.escape(HOSTILE) in text


@pytest.mark.parametrize("text", ["</script><script>x", "<!--<script>", "]]>", "\u2028\u2029", "&lt;b&gt;", "${x}`'\""])
def test_json_in_a_page_is_quiet(text: str) -> None:
    """No tag, comment, entity or end of line begins in it, and it reads as what it was."""
    said = quiet_json({"name": text})
    assert not set(said) & set("<>&\u2028\u2029")
    assert json.loads(said) == {"name": text}


def test_modules_become_one_script() -> None:
    """No import or export is left, every module comes before who uses it, each once."""
    text = bundle("page")
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    names = re.findall(r"^const from_(\w+) = ", text, re.MULTILINE)
    assert len(names) == len(set(names))
    assert names[-2:] == ["map", "page"]
    assert "default: mount" in text


def test_the_command_writes_it_and_another_suffix_is_refused(toy: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`chaukas export` takes .html in either language, Hindi unless asked; the file is replaced whole."""
    file = library.plan_files(toy)[0]
    for more, language in (((), "hi"), (("--lang", "en"), "en")):
        assert cli.main(["export", str(file.path), str(tmp_path / "p.html"), "--city", str(toy.folder), *more]) == 0, capsys.readouterr().err
        assert f'<html lang="{language}">' in (tmp_path / "p.html").read_text(encoding="utf-8")
    with pytest.raises(InputError) as caught:
        write_page(library.plan(toy, file.id), toy, tmp_path / "p.pdf", said=words("hi"))
    assert caught.value.code == "export.kind"
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(InputError) as caught:
        write_page(library.plan(toy, file.id), toy, tmp_path / "folder.html", said=words("hi"))
    assert caught.value.code == "export.failed"
