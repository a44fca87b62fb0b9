"""Tables as the screens show them: how columns are headed and set, and the table of cameras."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from planning.catalogue import load_models
from planning.city import City
from planning.nouns import Plan
from screens.mapdata import ward_names
from screens.words import Words

Columns = dict[str, ColumnConfig | str | None]


def text_right(label: str | None = None) -> ColumnConfig:
    """A column of text that ends at the right, such as money in words."""
    return st.column_config.TextColumn(label, alignment="right")


def percent(label: str, form: str = "%.1f %%") -> ColumnConfig:
    """A column of percentages."""
    return st.column_config.NumberColumn(label, format=form)


def bar(label: str) -> ColumnConfig:
    """A column of percentages from 0 to 100, each with its bar."""
    return st.column_config.ProgressColumn(label, min_value=0, max_value=100, format="%.1f %%")


def show_table(frame: pd.DataFrame, columns: Columns | None = None, *, height: int | None = None) -> None:
    """A table as wide as its place; as high as its rows where no `height` [px] is given."""
    st.dataframe(frame, hide_index=True, width="stretch", height="content" if height is None else height, column_config=columns)


def camera_frame(city: City, plan: Plan, said: Words, only: Collection[str] | None = None) -> pd.DataFrame:
    """The plan's cameras as a table, one row a camera, numbered in its order; of those in `only` where it is given."""
    names = ward_names(city)
    titles = {key: said.pick(model.title, model.title_hi) for key, model in load_models().items()}
    return pd.DataFrame(
        [
            {
                "number": number, "model": titles.get(camera.model, camera.model), "ward": names.get(camera.ward, camera.ward), "site": camera.site,
                "bearing": camera.bearing_deg, "tilt": camera.tilt_deg, "height": camera.height_m, "cost": said.money(camera.cost_inr),
                "yearly": said.money(camera.yearly_inr), "sees": camera.sees, "gain": 100 * camera.gain, "id": camera.id,
            }
            for number, camera in enumerate(plan.cameras, start=1)
            if only is None or camera.id in only
        ],
        columns=["number", "model", "ward", "site", "bearing", "tilt", "height", "cost", "yearly", "sees", "gain", "id"],
    )  # fmt: skip


def camera_columns(said: Words) -> Columns:
    """How `camera_frame`'s columns are headed and shown."""
    number = st.column_config.NumberColumn
    return {
        "number": number(said.say("map.number"), format="%d"),
        "model": said.say("map.model"),
        "ward": said.say("map.ward"),
        "site": said.say("map.site"),
        "bearing": number(said.say("map.bearing"), format="%.0f°"),
        "tilt": number(said.say("map.tilt"), format="%.0f°"),
        "height": number(said.say("map.height"), format="%.1f m"),
        "cost": text_right(said.say("map.cost")),
        "yearly": text_right(said.say("map.yearly")),
        "sees": number(said.say("map.sees"), format="%d"),
        "gain": percent(said.say("map.gain"), "%.3f %%"),
        "id": said.say("map.camera"),
    }
