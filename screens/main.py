"""The page: the bar with screen, city and language, then the screen chosen."""

from __future__ import annotations

from html import escape

import streamlit as st

from planning.access import PUBLIC
from planning.errors import ChaukasError
from screens import budget, city, compare, decisions, fairness, library, operate, plan, review, suggestions, wizard
from screens.control import may_operate
from screens.session import banner, pick, pick_language, tell
from screens.turns import DRAWING
from screens.who import actor
from screens.words import Words

_SCREENS = {
    "budget": budget.show, "city": city.show, "plan": plan.show, "compare": compare.show, "fairness": fairness.show, "review": review.show,
    "suggestions": suggestions.show, "decisions": decisions.show, "operate": operate.show,
}  # fmt: skip
# Streamlit would fetch a named icon from another host.
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#0072B2" d="M1 12C5 4 19 4 23 12 19 20 5 20 1 12Z"/>'
    '<circle cx="12" cy="12" r="5" fill="#fff"/><circle cx="12" cy="12" r="2.6" fill="#D55E00"/></svg>'
)
_STYLE = """<style>
.stMainBlockContainer { padding-top: 1.1rem; padding-bottom: 2rem; max-width: 1800px; }
header[data-testid="stHeader"] { display: none; }
[data-testid="InputInstructions"] { display: none; }
[data-testid="stMetricValue"] { font-size: 1.5rem; }
[data-testid="stAlertContainer"] { padding: 0.45rem 0.8rem; }
.stMainBlockContainer h3, .stMainBlockContainer h4 { padding: 0.2rem 0; }
.stMainBlockContainer > div > [data-testid="stVerticalBlock"] { gap: 0.6rem; }
</style>"""


def show() -> None:
    """Draw the page."""
    st.set_page_config(page_title="चौकस · Chaukas", page_icon=_ICON, layout="wide")
    st.html(_STYLE)
    mark, cities, languages = st.columns([5, 3, 1.6], vertical_alignment="center")
    screens = st.container()
    with languages:
        said = pick_language()
    mark.markdown(f"### चौकस &nbsp;:gray[:small[{said.say('app.what')}]]")
    me = actor()
    if me != PUBLIC:
        mark.html(f'<a href="/account?lang={said.language}" target="_self">{escape(me.name)} · {escape(said.say("gate.account"))}</a>')
    names = library.cities()
    if not names:
        st.info(said.say("app.no_city"))
        (wizard.show if wizard.PARAM in st.query_params else wizard.offer)(said)
        return
    offered = [name for name in _SCREENS if name != "operate" or may_operate(me, "live.read")]
    with screens:
        screen = pick(said.say("app.screen"), offered, "view", lambda key: said.say(f"screen.{key}"), horizontal=True, hidden=True)
    with cities:
        name = pick(said.say("app.city"), names, "city", lambda name: _title(name, said), hidden=True)
    if screen == "city" and wizard.PARAM in st.query_params:
        wizard.show(said)
        return
    try:
        given = st.query_params.get("city", name)
        found = library.city(given)
        banner(found, said)
        _SCREENS[screen](found, said)
    except ChaukasError as error:
        tell(error, said)


def _title(name: str, said: Words) -> str:
    return library.city_title(name, said.hindi)


with DRAWING.taken():
    show()
