"""The import wizard: files, what their columns mean, names, and the import, in four steps one can go back from.

What was given lies in a draft on the server's disk, found by the token in the address: a reload, or another day, finds it as it was left.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import streamlit as st

from planning.access import may, require
from planning.errors import ChaukasError, Forbidden, InputError
from planning.readings import check_draft, streets_state
from planning.sandbox import limits
from planning.uploads import LAYERS, Draft, find_draft, new_draft
from screens import imports, library
from screens.session import tell
from screens.who import actor
from screens.wizard_columns import show_columns
from screens.words import Words, plain

PARAM = "import"
_STEPS = ("files", "columns", "names", "import")
_ORDER = ("osm", "roads", "crime", "cameras", "wards", "lamps", "zones", "terrain")


def offer(said: Words, city: str = "") -> None:
    """The buttons that begin an import, of a new city and into the city shown, for those who may."""
    if not may(actor(), "city.import"):
        return
    first, second, _ = st.columns([1, 1, 2])
    if first.button(said.say("wizard.new"), key="wizard-new", icon=":material/add:", width="stretch"):
        _begin(said, "")
    if city and second.button(said.say("wizard.add"), key="wizard-add", icon=":material/upload_file:", width="stretch"):
        _begin(said, city)


def _begin(said: Words, city: str) -> None:
    try:
        st.query_params[PARAM] = new_draft(city).token
    except ChaukasError as error:
        tell(error, said)
        return
    st.rerun()


def show(said: Words) -> None:
    """Draw the step of the draft in the address, for those who may import."""
    try:
        require(actor(), "city.import")
    except Forbidden as error:
        tell(error, said)
        return
    try:
        draft = find_draft(st.query_params.get(PARAM, ""))
    except InputError as error:
        # An import that went through took its draft along.
        work = imports.desk.find(st.query_params.get(PARAM, ""))
        if work is None:
            tell(error, said)
            offer(said)
            return
        _finish(work, said)
        return
    _style(said)
    title = said.say("wizard.heading") if not draft.city else said.say("wizard.heading_add", city=library.city_title(draft.city, said.hindi))
    st.subheader(plain(title))
    step = min(max(draft.step, 1), len(_STEPS))
    st.markdown("&nbsp; › &nbsp;".join(
        f"**:blue[{number}. {said.say(f'wizard.step.{key}')}]**" if number == step else f":gray[{number}. {said.say(f'wizard.step.{key}')}]"
        for number, key in enumerate(_STEPS, 1)
    ))  # fmt: skip
    with st.container(key=f"wizard-step-{step}"):
        (_files, _columns, _names, _import)[step - 1](draft, said)
    _move(find_draft(draft.token) if draft.folder.exists() else draft, step, said)


def _move(draft: Draft, step: int, said: Words) -> None:
    """Back, on, and away."""
    work = imports.desk.find(draft.token)
    if work is not None and work.job.running and work.kind == "import":
        return
    back, on, _, away = st.columns([1, 1, 2, 1])
    if step > 1 and back.button(said.say("wizard.back"), key="wizard-back", icon=":material/arrow_back:", width="stretch"):
        _go(draft, step - 1)
    ready = bool(draft.main) and (bool(draft.city) or any(layer in {"osm", "roads"} for _, layer in draft.main))
    if step < len(_STEPS) and on.button(
        said.say("wizard.on"), key="wizard-on", type="primary", icon=":material/arrow_forward:", width="stretch", disabled=not ready,
    ):  # fmt: skip
        _go(draft, step + 1)
    if away.button(said.say("wizard.away"), key="wizard-away", icon=":material/delete:", width="stretch", help=said.say("wizard.away_help")):
        draft.drop()
        del st.query_params[PARAM]
        st.rerun()


def _go(draft: Draft, step: int) -> None:
    draft.changed(step=step)
    st.rerun()


def _style(said: Words) -> None:
    """Streamlit's uploader knows English only: its words are taken away, and its button says ours."""
    word = said.say("wizard.choose")
    assert not re.search(r"[\"\\<>{}]", word)
    st.html(f"""<style>
[data-testid="stFileUploaderDropzoneInstructions"] {{ display: none; }}
[data-testid="stFileUploaderDropzone"] {{ padding: 0.3rem; min-height: 0; }}
[data-testid="stFileUploaderDropzone"] button {{ font-size: 0; width: 100%; }}
[data-testid="stFileUploaderDropzone"] button * {{ display: none; }}
[data-testid="stFileUploaderDropzone"] button::after {{ content: "{word}"; font-size: 0.9rem; }}
</style>""")


# Step 1: files


def _files(draft: Draft, said: Words) -> None:
    st.caption(said.say("wizard.files_about"))
    # A place of its own, so that nothing below moves when a fault comes or goes.
    with st.container():
        for error in st.session_state.pop("wizard-faults", []):
            tell(error, said)
    shown = [layer for layer in _ORDER if not (draft.city and layer in {"osm", "roads"})]
    for start in range(0, len(shown), 4):
        for place, layer in zip(st.columns(4, gap="small"), shown[start : start + 4], strict=False):
            with place.container(border=True):
                _layer(draft, layer, said)


def _layer(draft: Draft, layer: str, said: Words) -> None:
    """One layer's card: what belongs here, what was given, and the place to give more."""
    known = LAYERS[layer]
    needed = f" :red[{said.say('wizard.needed')}]" if layer == "osm" else ""
    st.markdown(f"**{said.say(f'upload.{layer}')}**{needed}")
    kinds = ", ".join(suffix.removeprefix(".") for suffix in known.suffixes)
    most = said.say("wizard.most", size=said.number(limits()[known.limit]))
    st.caption(plain(said.say(f"upload.{layer}_about")) + "  \n:gray[:small[" + plain(f"{kinds} · {most}") + "]]")
    for name, other in draft.files:
        if other != layer:
            continue
        text, button = st.columns([5, 1], vertical_alignment="center")
        size = (draft.inside / name).stat().st_size if (draft.inside / name).is_file() else 0
        text.markdown(f":material/description: {plain(name)} :gray[:small[{_size(size, said)}]]")
        if button.button("✕", key=f"remove-{layer}-{name}", help=said.say("wizard.remove")):
            draft.remove(name)
            st.rerun()
    turn = st.session_state.setdefault(f"wizard-turn-{layer}", 0)
    given = st.file_uploader(
        said.say(f"upload.{layer}"), key=f"upload-{layer}-{turn}", accept_multiple_files=True, label_visibility="collapsed",
    )  # fmt: skip
    if not given:
        return
    faults = []
    for file in given:
        try:
            draft = draft.add(layer, file.name, file.getvalue())
        except ChaukasError as error:
            faults.append(error)
    # A new turn makes the uploader let go of the bytes it holds.
    st.session_state[f"wizard-turn-{layer}"] = turn + 1
    st.session_state["wizard-faults"] = faults
    st.rerun()


def _size(size: int, said: Words) -> str:
    return f"{said.number(size / 1e6, 1)} MB" if size >= 100_000 else f"{said.number(max(size / 1e3, 0.1), 1)} kB"


# Step 2: columns


def _columns(draft: Draft, said: Words) -> None:
    st.caption(said.say("wizard.columns_about"))
    work = imports.desk.find(draft.token)
    if work is not None and work.job.running:
        _progress(draft.token, said)
        return
    error = imports.outcome(work) if work is not None and work.kind == "look" else None
    fresh = draft.seen.get("state") == draft.state
    if error is not None and not fresh:
        tell(error, said)
    elif not fresh and st.session_state.get("wizard-asked") != draft.state and (not draft.seen or _other_files(draft)):
        st.session_state["wizard-asked"] = draft.state
        imports.desk.start(draft, "look")
        _progress(draft.token, said)
        return
    if not fresh and st.button(said.say("wizard.again"), key="wizard-again", type="primary", icon=":material/refresh:"):
        if work is not None:
            imports.desk.forget(work)
        imports.desk.start(draft, "look")
        st.rerun()
    if draft.seen:
        show_columns(draft, said, fresh=fresh)


def _other_files(draft: Draft) -> bool:
    """Whether files came or went since the last look."""
    looked = {(file["file"], file["layer"]) for file in draft.seen["files"]}
    given = {(name, layer) for name, layer in draft.main if layer not in {"osm", "roads"}}
    return looked != given or draft.seen.get("streets_state") != streets_state(draft)


@st.fragment(run_every=0.5)
def _progress(token: str, said: Words) -> None:
    """The work on a draft, twice a second; the whole page anew when it ends."""
    work = imports.desk.find(token)
    if work is None or not work.job.running:
        st.rerun()
    step = work.job.step
    with st.container(border=True):
        note = f" · {step.note}" if step.note else ""
        st.progress(step.share, text=plain(f"{said.name('stage', step.stage)} · {said.share(step.share, 0)}{note}"))
        st.caption(plain(said.say("wizard.seconds", seconds=said.number(work.job.runtime_s))))
        if st.button(said.say("job.cancel"), key="wizard-cancel"):
            work.job.cancel()
            st.caption(said.say("job.cancelling"))


# Step 3: names


def _names(draft: Draft, said: Words) -> None:
    if draft.city:
        st.info(plain(said.say("wizard.names_add", city=library.city_title(draft.city, said.hindi))))
        return
    st.caption(said.say("wizard.names_about"))
    left, right = st.columns(2, gap="medium")
    for key, place in (("title", left), ("title_hi", right), ("name", left), ("crs", right)):
        text = place.text_input(
            said.say(f"wizard.{key}"), getattr(draft, key), key=f"wizard-{key}", max_chars=120, help=said.say(f"wizard.{key}_help"),
            placeholder="EPSG:32644" if key == "crs" else None,
        )  # fmt: skip
        text = " ".join("".join(sign for sign in text if not unicodedata.category(sign).startswith("C")).split())
        if text == getattr(draft, key):
            continue
        fields = {key: text}
        if key == "title" and draft.name == _slug(draft.title):
            # Until a name is given it goes with the title.
            fields["name"] = st.session_state["wizard-name"] = _slug(text)
        draft = draft.changed(**fields)
    faults = [fault for fault in check_draft(draft) if draft.name or fault.code != "city.name"]
    if faults:
        tell(InputError(faults), said)


def _slug(title: str) -> str:
    """A name for a folder out of an English title."""
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60]


# Step 4: the import


def _import(draft: Draft, said: Words) -> None:
    work = imports.desk.find(draft.token)
    if work is not None and work.job.running:
        _progress(draft.token, said)
        return
    if work is not None and work.kind == "import":
        _finish(work, said)
    for name, layer in draft.main:
        looked: Mapping[str, Any] = next((file for file in draft.seen.get("files", []) if file["file"] == name), {})
        rows = said.say("wizard.rows", used=said.number(looked["used"]), total=said.number(looked["total"])) if looked.get("total") else ""
        st.markdown(f"- **{said.say(f'upload.{layer}')}**: {plain(name)} :gray[{plain(rows)}]")
    faults = check_draft(draft)
    if faults:
        tell(InputError(faults), said)
    if draft.seen.get("state") != draft.state:
        st.caption(said.say("wizard.not_seen"))
    if st.button(said.say("wizard.run"), key="wizard-run", type="primary", icon=":material/database:", disabled=bool(faults)):
        try:
            imports.desk.start(draft, "import")
        except ChaukasError as error:
            tell(error, said)
            return
        st.rerun()


def _finish(work: imports.Work, said: Words) -> None:
    """What an import came to: its city, or why there is none."""
    if work.job.running:
        _progress(work.token, said)
        return
    error = imports.outcome(work)
    if error is not None:
        tell(error, said)
        return
    imports.desk.forget(work)
    del st.query_params[PARAM]
    st.query_params["city"] = str(work.job.result)
    st.session_state["imported"] = str(work.job.result)
    st.rerun()
