"""Plain pages made here and not by Streamlit: HTML without any script, for signing in and for whoever has no account. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from starlette.responses import HTMLResponse

from screens.words import LANGUAGES, Words

POLICY = "; ".join(
    ("default-src 'none'", "style-src 'unsafe-inline'", "font-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'")
)
_STYLE = """
@font-face { font-family: 'Noto Sans Devanagari'; src: url(/assets/noto-sans-devanagari.woff2); font-weight: 100 900;
  unicode-range: U+0900-097F, U+200C-200D, U+25CC; }
body { margin: 0; font: 1rem/1.5 'Noto Sans Devanagari', system-ui, sans-serif; color: #1b1f24; background: #f3f5f7; }
header { display: flex; gap: 1rem; justify-content: space-between; padding: .7rem 1rem; background: #fff; border-bottom: 1px solid #d9dee3; }
header a { color: #1b1f24; text-decoration: none; font-weight: 600; }
main { max-width: 44rem; margin: 1.2rem auto; padding: 0 1rem; }
section { background: #fff; border: 1px solid #d9dee3; border-radius: .5rem; padding: 1rem 1.2rem; margin-bottom: 1rem; overflow-x: auto; }
h1 { font-size: 1.4rem; margin: .2rem 0 .8rem; } h2 { font-size: 1.1rem; margin: 0 0 .6rem; }
label { display: block; margin: .6rem 0; } label.tick { display: inline-block; margin: .2rem .9rem .2rem 0; }
input:not([type=checkbox]), select, textarea { display: block; width: 100%; max-width: 24rem; box-sizing: border-box; padding: .6rem; font: inherit;
  border: 1px solid #7b8794; border-radius: .3rem; }
button { padding: .6rem 1.1rem; font: inherit; color: #fff; background: #0072b2; border: 0; border-radius: .3rem; cursor: pointer; }
button.less { color: #0072b2; background: #fff; border: 1px solid #0072b2; }
a { color: #005a8c; }
:is(a, button, input, select, textarea, summary):focus { outline: 3px solid #e69f00; outline-offset: 1px; }
td form { display: inline-block; margin: .2rem .5rem .2rem 0; } td button { padding: .4rem .7rem; }
td details { margin-top: .4rem; } summary { cursor: pointer; color: #005a8c; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem .35rem 0; border-top: 1px solid #e4e8eb; vertical-align: top; }
.wrong { border-color: #b3261e; background: #fdeceb; } .told { border-color: #2e7d32; background: #edf7ee; }
.small { color: #56616b; font-size: .9rem; } code { overflow-wrap: anywhere; }
"""


def page(said: Words, title: str, *parts: str, at: str, status: int = 200, policy: str = POLICY) -> HTMLResponse:
    """A whole page.

    Parameters
    ----------
    title: text. parts: HTML, made by the functions below. at: the address of the same page, to which a language is added.
    policy: what the page may fetch and run, where it is more than nothing.
    """
    others = [code for code in LANGUAGES if code != said.language]
    sign = "&" if "?" in at else "?"
    switch = " ".join(f'<a href="{escape(at)}{sign}lang={code}" lang="{code}">{escape(LANGUAGES[code])}</a>' for code in others)
    body = (
        f'<!doctype html><html lang="{said.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · चौकस</title><style>{_STYLE}</style></head><body>"
        f'<header><a href="/?lang={said.language}">चौकस · Chaukas</a><nav>{switch}</nav></header>'
        f"<main><h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>"
    )
    return HTMLResponse(body, status, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def section(*parts: str, heading: str = "", kind: str = "") -> str:
    """A box of parts, under a heading where given; `kind` wrong or told for what went wrong or well."""
    head = f"<h2>{escape(heading)}</h2>" if heading else ""
    role = ' role="alert"' if kind else ""
    return f'<section class="{escape(kind)}"{role}>{head}{"".join(parts)}</section>'


def text(value: object, kind: str = "") -> str:
    """A paragraph."""
    return f'<p class="{escape(kind)}">{escape(str(value))}</p>'


def anchor(address: str, value: str) -> str:
    """A link to an address of ours."""
    return f'<a href="{escape(address)}">{escape(value)}</a>'


def code(value: str) -> str:
    """A paragraph to be copied."""
    return f"<p><code>{escape(value)}</code></p>"


def form(address: str, parts: Iterable[str], button: str, *, hidden: dict[str, str], less: bool = False) -> str:
    """A form that posts its fields; `hidden` are those nobody sees."""
    unseen = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items())
    kind = ' class="less"' if less else ""
    return f'<form method="post" action="{escape(address)}">{unseen}{"".join(parts)}<button{kind}>{escape(button)}</button></form>'


def field(name: str, label: str, *, kind: str = "text", value: str = "", auto: str = "off", needed: bool = True) -> str:
    """One line to fill in; `auto` says to the browser what it may fill in by itself."""
    must = " required" if needed else ""
    plain = ' autocapitalize="none" spellcheck="false"' if kind == "text" else ""
    given = f'type="{kind}" name="{escape(name)}" value="{escape(value)}" autocomplete="{auto}" maxlength="256"{must}{plain}'
    return f"<label>{escape(label)}<input {given}></label>"


def area(name: str, label: str, *, value: str, most: int) -> str:
    """Some lines to fill in, of at most so many signs."""
    return f'<label>{escape(label)}<textarea name="{escape(name)}" rows="4" maxlength="{most}" required>{escape(value)}</textarea></label>'


def choice(name: str, label: str, options: Sequence[tuple[str, str]]) -> str:
    """One of some, each with the words it is shown by."""
    inner = "".join(f'<option value="{escape(value)}">{escape(words)}</option>' for value, words in options)
    return f'<label>{escape(label)}<select name="{escape(name)}">{inner}</select></label>'


def tick(name: str, value: str, label: str, *, on: bool) -> str:
    """A box to tick."""
    checked = " checked" if on else ""
    return f'<label class="tick"><input type="checkbox" name="{escape(name)}" value="{escape(value)}"{checked}> {escape(label)}</label>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; heads are text, cells are HTML made here."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f"<table><tr>{head}</tr>{''.join('<tr>' + ''.join(f'<td>{cell}</td>' for cell in row) + '</tr>' for row in rows)}</table>"
