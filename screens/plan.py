"""The Plan screen: the wish, the work on it, and the plan it gave."""

from __future__ import annotations

import contextlib

import streamlit as st

from planning.catalogue import list_recipes, load_levels, load_models
from planning.city import City
from planning.errors import ChaukasError, InputError
from planning.handmade import read_sheet
from planning.money import parse_rupees
from planning.nouns import Plan, Scenario
from planning.purposes import load_purposes
from planning.store import open_store
from planning.suggestions import shown_places
from screens import byhand, jobs, library
from screens.acting import told
from screens.library import PlanFile
from screens.maps import city_map, map_data
from screens.plan_result import plan_title, show_plan
from screens.routes import draft_url
from screens.session import pick, tell
from screens.waiting import show_progress
from screens.who import is_maker, require_maker
from screens.wish import Wish, read_wish, wish_of
from screens.words import Words, plain


def show(city: City, said: Words) -> None:
    """Draw the screen."""
    told(said)
    settings, answer = st.columns([1, 3.6], gap="medium")
    with settings:
        _ask(city, said)
        # Under the button, where the eye is when it is pressed.
        _watch(city, said)
    with answer:
        job = _running(city)
        if job is not None and job.draft is not None:
            _draft(city.name, job.id, said)
            return
        file = choose_plan(city, said)
        if file is None:
            return
        plan = library.plan(city, file.id)
        sheet = _sheet_name(city, plan, said) if is_maker() else None
        asked = show_plan(city, plan, file, said, sheet, _set_sheet)
    if asked.rule is not None:
        _add_rule(*asked.rule)
    if asked.make is not None:
        _make(city, file.id, *asked.make, said)


def _set_sheet(name: str) -> None:
    """Put a sheet's name into the address, or take it out."""
    if name:
        st.query_params["hand"] = name
    else:
        st.query_params.pop("hand", None)


def _sheet_name(city: City, plan: Plan, said: Words) -> str:
    """The sheet in the address; none where it is another plan's, and that it is lost is told."""
    name = st.query_params.get("hand", "")
    try:
        if name and read_sheet(name, city).plan == plan.id:
            return name
    except ChaukasError as error:
        tell(error, said)
    _set_sheet("")
    return ""


def _make(city: City, plan_id: str, what: str, sheet: str, title: str, said: Words) -> None:
    """Begin to plan again around what was changed by hand, or to keep the plan as it is now."""
    try:
        require_maker()
        job = byhand.start(city, library.plan(city, plan_id), sheet, again=what == "again", title=title)
    except ChaukasError as error:
        tell(error, said)
        return
    st.query_params["job"] = job.id
    st.rerun()


def _rules(what: str) -> list[str]:
    """The ids kept or forbidden by the address."""
    return list(dict.fromkeys(st.query_params.get_all(what)))


def _add_rule(what: str, label: str) -> None:
    """Put a rule asked for on the map into the address, and take what contradicts it out."""
    other = "forbid" if what == "keep" else "keep"
    st.query_params[what] = [*[known for known in _rules(what) if known != label], label]
    st.query_params[other] = [known for known in _rules(other) if known != label and (what == "keep" or known.split("/")[0] != label)]
    st.rerun()


def _pick_rules(what: str, said: Words) -> list[str]:
    """The rules of the address as a list from which they can be taken off again."""
    known = _rules(what)
    # A list of its own for each set of rules, heard only while the address holds that set: a page that does not show the newest rule yet
    # sends its old list with whatever is typed next, and that must not take the rule off again.
    key = " ".join((f"rules-{what}", *known))

    def keep() -> None:
        if _rules(what) == known:
            st.query_params[what] = st.session_state[key]

    label, none = said.say(f"plan.{what}"), said.say("plan.rules_none")
    return list(st.multiselect(label, known, known, key=key, on_change=keep, placeholder=none, disabled=not known))


def _running(city: City) -> jobs.PlanJob | None:
    """The job of the address, while it runs."""
    job = jobs.desk.find(city.name, st.query_params.get("job", ""))
    return job if job is not None and job.job.running else None


@st.fragment(run_every=1.0)
def _draft(city_name: str, job_id: str, said: Words) -> None:
    """The plan that stands by now: its numbers, how far the best can lie above it, and its cameras on the map."""
    job = jobs.desk.find(city_name, job_id)
    if job is None or job.draft is None:
        st.rerun()
    city, draft = library.city(city_name), job.draft
    st.markdown(f"##### {said.say('draft.title')}")
    columns = st.columns(4)
    numbers = (
        ("number.cameras", said.number(len(draft.cameras))), ("number.cost", said.short(draft.cost_inr)),
        ("number.after", said.share(draft.covered, 2)), ("number.gap", said.share(draft.gap, 2)),
    )  # fmt: skip
    for column, (key, value) in zip(columns, numbers, strict=True):
        column.metric(said.say(key), value)
    st.caption(plain(said.say("number.bound", bound=said.share(draft.bound, 2), gap=said.share(draft.gap, 2))))
    if job.scenario.weighs_more:
        st.caption(said.say("draft.mixed"))
    number = int(1e9 * draft.covered)  # drafts only get better
    city_map(map_data(city, said, load_models(), draft=draft_url(city, job_id, number), height=600), key="map-draft")


def choose_plan(city: City, said: Words) -> PlanFile | None:
    """The plan chosen from the list of the city's plans; None where it has none, which is told, as is an address that names another."""
    files = {file.id: file for file in library.plan_files(city)}
    if not files:
        st.info(said.say("plan.none"))
        return None
    given = st.query_params.get("plan", "")
    if given and given not in files:
        tell(InputError.one("plan.unknown", "This city has no such plan", "Choose one of the list", given), said)
    return files[pick(said.say("plan.choose"), list(files), "plan", lambda plan_id: label(city, plan_id, said))]


def label(city: City, plan_id: str, said: Words) -> str:
    """A plan's line in a list; it says so where the plan cannot be read."""
    try:
        return plan_title(library.plan_line(city, plan_id), said)
    except ChaukasError:
        return said.say("plan.unreadable", id=plan_id)


def _like(city: City, said: Words) -> Scenario | None:
    """The wish of the plan whose id the address gives as the one to start from; an unknown one is told and dropped."""
    given = st.query_params.get("like", "")
    if not given:
        return None
    try:
        return library.plan(city, given).scenario
    except ChaukasError as error:
        tell(error, said)
        del st.query_params["like"]
        return None


def _fill(like: Scenario | None, said: Words) -> None:
    """The form's first values, where it is new on the page or another plan is to start from; later what was typed stays."""
    models = load_models()
    usual = [key for key, model in models.items() if model.kind != "ptz"]
    wish = Wish("2 करोड़" if said.hindi else "2 crore", models=usual) if like is None else wish_of(like, usual)
    values = {
        "budget": wish.budget, "yearly": wish.yearly, "models": [key for key in wish.models if key in models], "floor": wish.ward_floor_percent,
        "share": wish.share_percent, "heights": wish.heights, "per_site": wish.cameras_per_site, "limit": wish.time_limit_s,
        "purposes": list(wish.purposes), "second": wish.second_percent, "privacy": wish.privacy_permille, "no_view": wish.no_view,
        "voices": wish.suggestions_percent, "movement": wish.movement_percent,
        "night": wish.by_night, "title": wish.title, "level": wish.level, "recipe": wish.recipe,
    }  # fmt: skip
    mark = "" if like is None else like.id
    anew = st.session_state.get("filled", "") != mark
    for key, value in values.items():
        if anew or key not in st.session_state:
            st.session_state[key] = value
    st.session_state["filled"] = mark


def _ask(city: City, said: Words) -> None:
    models, levels, recipes = load_models(), load_levels(), list_recipes()
    like = _like(city, said)
    _fill(like, said)
    st.markdown(f"#### {said.say('plan.wish')}")
    if like is not None:
        rest = said.say("plan.like_more", spacing=said.number(like.spacing_m), grid=said.say("answer.yes" if like.grid else "answer.no"))
        st.caption(plain(f"{said.say('plan.like', id=st.query_params['like'])} {rest}"))
    budget = st.text_input(said.say("plan.budget"), key="budget", help=said.say("plan.budget_help"))
    _echo(budget, said)
    yearly = st.text_input(said.say("plan.yearly"), key="yearly", placeholder=said.say("plan.yearly_none"))
    chosen = st.multiselect(
        said.say("plan.models"), list(models), key="models",
        format_func=lambda key: said.pick(models[key].title, models[key].title_hi), placeholder=said.say("plan.models_none"),
    )  # fmt: skip
    level = st.selectbox(
        said.say("plan.level"), list(levels), key="level",
        format_func=lambda key: f"{said.pick(levels[key].title, levels[key].title_hi)} · {levels[key].px_per_m:g} px/m",
    )  # fmt: skip
    recipe = st.selectbox(
        said.say("plan.recipe"), list(recipes), key="recipe",
        format_func=lambda key: said.pick(recipes[key].title, recipes[key].title_hi), help=said.say("plan.recipe_help"),
    )  # fmt: skip
    keep, forbid = _pick_rules("keep", said), _pick_rules("forbid", said)
    with st.expander(said.say("plan.more")):
        floor = st.slider(said.say("plan.floor"), 0, 100, step=1, format="%d %%", key="floor", help=said.say("plan.floor_help"))
        share = st.slider(said.say("plan.share"), 0, 100, step=1, format="%d %%", key="share", help=said.say("plan.share_help"))
        heights = st.text_input(said.say("plan.heights"), key="heights")
        per_site = st.number_input(said.say("plan.per_site"), 1, 8, key="per_site")
        limit = st.number_input(said.say("plan.limit"), 1, 86_400, key="limit", help=said.say("plan.limit_help"))
        purposes = _pick_purposes(said)
        second = st.slider(said.say("plan.second"), 0, 100, step=1, format="%d %%", key="second", help=said.say("plan.second_help"))
        privacy = st.number_input(said.say("plan.privacy"), 0.0, 100.0, step=0.5, key="privacy", help=said.say("plan.privacy_help"))
        no_view = st.toggle(said.say("plan.no_view"), key="no_view", help=said.say("plan.no_view_help"))
        voices = _pick_voices(city, said)
        movement = st.number_input(said.say("plan.movement"), 0, 90, step=5, key="movement", help=said.say("plan.movement_help"))
        night = st.toggle(said.say("plan.night"), key="night", help=said.say("plan.night_help"))
        title = st.text_input(said.say("plan.title"), key="title", placeholder=said.say("plan.title_none"))
    if st.button(said.say("plan.run"), type="primary", width="stretch", icon=":material/play_arrow:"):
        wish = Wish(
            budget, yearly, chosen, level, recipe, int(floor), heights, int(per_site), int(limit), night,
            title, int(share), keep, forbid, purposes, int(second), float(privacy), no_view, voices,
            shown_places(open_store(), library.address(city)) if voices else (), int(movement),
        )  # fmt: skip
        try:
            scenario = read_wish(wish, city.name, like=like)
            job = jobs.desk.start(city, scenario)
            st.query_params["job"] = job.id
        except ChaukasError as error:
            tell(error, said)


def _pick_purposes(said: Words) -> list[str]:
    """What certain places are asked for beyond the level, each pair of place and purpose that makes sense."""
    known = load_purposes()
    # Those of a plan to start from too, whatever pairs it asked.
    pairs = list(dict.fromkeys(["junctions=face", "gateways=plate", "priority=face", *st.session_state.get("purposes", [])]))

    def name(pair: str) -> str:
        place, _, purpose = pair.partition("=")
        where, what = known.places[place], known.purposes[purpose]
        return f"{said.pick(where.title, where.title_hi)}: {said.pick(what.title, what.title_hi)}"

    chosen = st.multiselect(
        said.say("plan.purposes"), pairs, format_func=name, key="purposes", placeholder=said.say("plan.purposes_none"),
        help=said.say("plan.purposes_help"),
    )  # fmt: skip
    return list(chosen)


def _pick_voices(city: City, said: Words) -> int:
    """The weight of people's suggestions [%]; it can be given where some are accepted."""
    count = len(shown_places(open_store(), library.address(city)))
    if not count:
        st.session_state["voices"] = 0
    return int(
        st.number_input(
            said.say("plan.voices", n=said.number(count)), 0, 90, step=5, key="voices", disabled=not count, help=said.say("plan.voices_help")
        )
    )


def _echo(text: str, said: Words) -> None:
    """The amount as it was understood, so that a wrong zero is seen before it costs anything."""
    try:
        amount = parse_rupees(text)
    except ChaukasError as error:
        st.caption(f":red[{plain(said.fault(error.faults[0]))}]")
        return
    st.caption(f"= {plain(said.money(amount))} ({plain(said.short(amount))})")


def _review(city: City, plan_id: str) -> None:
    """What a new plan leaves unseen, begun at once: it takes seconds, and the plan's report tells it."""
    with contextlib.suppress(ChaukasError):
        jobs.start_review(city, library.plan(city, plan_id), "gaps")


def _watch(city: City, said: Words) -> None:
    """The job of the address, and others of this city that run."""
    job_id = st.query_params.get("job", "")
    job = jobs.desk.find(city.name, job_id) if job_id else None
    if job is not None and job.job.running:
        show_progress("plans", city.name, job_id, said)
    elif job is not None:
        error = jobs.outcome(job)
        if error is None and job.job.result is not None:
            st.query_params["plan"] = job.job.result
            _review(city, job.job.result)
            _set_sheet("")  # it was the other plan's
            del st.query_params["job"]
            jobs.desk.forget(job)
            st.toast(said.say("job.done"), icon=":material/check:")
        elif error is not None:
            tell(error, said)
    elif job_id:
        st.info(said.say("job.gone"))
        del st.query_params["job"]
    for other in jobs.desk.running(city.name):
        if other.id == job_id:
            continue
        st.info(said.say("job.other", budget=plain(said.short(other.scenario.budget_inr)), stage=plain(said.name("stage", other.step.stage))))
        if st.button(said.say("job.watch"), key=f"watch-{other.id}", width="stretch"):
            st.query_params["job"] = other.id
            st.rerun()
