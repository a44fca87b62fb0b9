from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from planning.catalogue import DATA, PARTS, PRICE_UNITS, list_recipes, load_levels, load_models, load_prices, load_recipe
from planning.errors import ChaukasError, FileRefused, InputError, ScenarioError
from planning.frames import ROAD_CLASSES

MODEL = """version = 1
[m]
title = "M"
title_hi = "एम"
kind = "fixed"
width_px = 1920
height_px = 1080
lenses = [{ hfov_deg = 90.0, vfov_deg = 50.0 }]
night_range_m = 30.0
price_inr = 9000
upkeep_inr_per_year = 1404
power_w = 7.0
stream_mbps = 4.0
source = "assumed"
"""


def written(folder: Path, text: str, name: str = "x.toml") -> Path:
    """The text as a file of that folder."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def codes(error: pytest.ExceptionInfo[ChaukasError]) -> list[str]:
    """The codes of all faults, in order."""
    return [fault.code for fault in error.value.faults]


def test_shipped_models() -> None:
    """The catalogue has a camera of every kind, each with a source, upkeep of 15.6 % a year, and lenses that narrow."""
    models = load_models()
    assert {"bullet-4mp", "varifocal-4mp", "varifocal-8mp", "dome-5mp", "ptz-2mp", "anpr-2mp"} <= set(models)
    assert {model.kind for model in models.values()} == {"fixed", "varifocal", "dome", "ptz", "anpr"}
    for key, model in models.items():
        assert model.key == key and model.source and model.title_hi
        assert model.upkeep_inr_per_year == pytest.approx(0.156 * model.price_inr, rel=0.01)
        fields = [lens.hfov_deg for lens in model.lenses]
        assert fields == sorted(fields, reverse=True)
        assert all(lens.vfov_deg < lens.hfov_deg for lens in model.lenses)
        assert (len(model.lenses) > 1) == (model.kind == "varifocal")


def test_shipped_prices() -> None:
    """The price list holds every head once, in whole rupees, each marked sourced or assumed; an assumption is told as a sentence."""
    prices = load_prices()
    assert [head.key for head in prices.heads] == list(PRICE_UNITS)
    assert all(isinstance(head.amount_inr, int) and head.source and head.unit == PRICE_UNITS[head.key] for head in prices.heads)
    assert len(prices.assumptions) == sum(head.assumed for head in prices.heads)
    assert prices["pole_base"] > 0
    with pytest.raises(KeyError):
        prices["no such head"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        prices.heads = ()  # type: ignore[misc]


def test_shipped_levels() -> None:
    """Two profiles: DORI of 2014 under plain keys, the later edition under keys with its year."""
    levels = load_levels()
    dori = {"detection": 25, "observation": 62.5, "recognition": 125, "identification": 250}
    later = {"overview": 20, "outline": 40, "discern": 80, "perceive": 125, "characterise": 250, "validate": 500, "scrutinise": 1500}
    assert {key: level.px_per_m for key, level in levels.items()} == dori | {f"2025.{key}": value for key, value in later.items()}
    assert len({level.profile for level in levels.values()}) == 2


def test_shipped_recipes() -> None:
    """Every recipe's shares sum to 1, it weighs every road class, and it is found by its key."""
    recipes = list_recipes()
    assert "balanced" in recipes
    for key, recipe in recipes.items():
        assert recipe == load_recipe(key)
        assert set(recipe.shares) == set(PARTS) and sum(recipe.shares.values()) == pytest.approx(1)
        assert set(recipe.road_weights) == set(ROAD_CLASSES)
        assert "other" in recipe.severity and "other" in recipe.place_weights
        assert recipe.title_hi


@pytest.mark.parametrize("key", ["nothing", "", "../prices", "balanced.toml", "/etc/passwd", "BALANCED"])
def test_unknown_recipe(key: str) -> None:
    """A key that is no recipe's is refused, naming the recipes there are; it never becomes a path."""
    with pytest.raises(ScenarioError, match="balanced") as error:
        load_recipe(key)
    assert error.value.code == "recipe.unknown"


def test_model_as_written(tmp_path: Path) -> None:
    """A sound entry comes back as it was written, a byte order mark before it or not."""
    for text in (MODEL, "\ufeff" + MODEL):
        model = load_models(written(tmp_path, text))["m"]
        assert (model.width_px, model.lenses[0].vfov_deg, model.price_inr, model.title_hi) == (1920, 50.0, 9000, "एम")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('kind = "fixed"', 'kind = "drone"', "model.kind"),
        ('kind = "fixed"', "", "catalogue.missing"),
        ('title = "M"', 'title = ""', "catalogue.type"),
        ('title = "M"', "title = 3", "catalogue.type"),
        ("width_px = 1920", "width_px = 0", "catalogue.value"),
        ("width_px = 1920", "width_px = 1920.5", "catalogue.type"),
        ("width_px = 1920", "width_px = true", "catalogue.type"),
        ("width_px = 1920", 'width_px = "1920"', "catalogue.type"),
        ("price_inr = 9000", "price_inr = -1", "catalogue.value"),
        ("price_inr = 9000", "price_inr = 9000\npricee_inr = 1", "catalogue.unknown"),
        ("power_w = 7.0", "power_w = nan", "catalogue.value"),
        ("power_w = 7.0", "power_w = inf", "catalogue.value"),
        ("hfov_deg = 90.0", "hfov_deg = 400.0", "catalogue.value"),
        ("hfov_deg = 90.0", "hfov = 90.0", "catalogue.unknown"),
        ("lenses = [{ hfov_deg = 90.0, vfov_deg = 50.0 }]", "lenses = []", "model.lens"),
        ("lenses = [{ hfov_deg = 90.0, vfov_deg = 50.0 }]", "lenses = 90", "catalogue.type"),
        ("lenses = [{ hfov_deg = 90.0, vfov_deg = 50.0 }]", "lenses = [90]", "catalogue.table"),
        ("[m]", "m = 3\n[n]", "catalogue.table"),
    ],
)
def test_faults_of_a_model(tmp_path: Path, old: str, new: str, code: str) -> None:
    """Each kind of fault has its code and names the entry it lies in."""
    assert old in MODEL
    with pytest.raises(InputError) as error:
        load_models(written(tmp_path, MODEL.replace(old, new, 1)))
    assert code in codes(error)
    assert all(fault.what.startswith("m") and fault.way_out for fault in error.value.faults)


def test_all_faults_at_once(tmp_path: Path) -> None:
    """Faults of several entries and keys come together in one error, the value met in each."""
    broken = MODEL.replace("power_w = 7.0", "power_w = -2").replace("price_inr = 9000", "cost = 9000")
    second = broken.replace("version = 1\n", "").replace("[m]", "[n]")
    with pytest.raises(InputError) as error:
        load_models(written(tmp_path, broken + second))
    assert sorted(codes(error)) == sorted(["catalogue.value", "catalogue.missing", "catalogue.unknown"] * 2)
    assert {fault.what.split(":")[0] for fault in error.value.faults} == {"m", "n"}
    assert "-2" in str(error.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("version = 1\n[m\n", "catalogue.toml"),
        ("version = 1\nx = 1\nx = 2\n", "catalogue.toml"),
        (MODEL.replace("version = 1", "version = 2"), "catalogue.version"),
        (MODEL.replace("version = 1\n", ""), "catalogue.version"),
        ("version = 1\n", "catalogue.empty"),
    ],
)
def test_faults_of_a_file(tmp_path: Path, text: str, code: str) -> None:
    """A file that is no TOML, of another version, or without entries is refused as a whole."""
    with pytest.raises(InputError) as error:
        load_models(written(tmp_path, text))
    assert error.value.code == code


def test_files_that_are_none(tmp_path: Path) -> None:
    """No foreign exception comes out for a missing file, a folder, other bytes, a URL or a file far too large."""
    (tmp_path / "bytes.toml").write_bytes(b"version = 1\n\xff\xfe\x00")
    (tmp_path / "large.toml").write_bytes(b"#" * 1_000_001)
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "large.toml", "https://example.org/x.toml"):
        with pytest.raises(FileRefused):
            load_prices(path)
    with pytest.raises(InputError) as error:
        load_prices(tmp_path / "bytes.toml")
    assert error.value.code == "catalogue.toml"


def test_faults_of_prices(tmp_path: Path) -> None:
    """A head missing, one unknown, another unit, money with a fraction and a flag that is none are named together."""
    text = (DATA / "prices.toml").read_text(encoding="utf-8")
    text = text.replace("[foundation]", "[fundation]").replace('unit = "INR a site"', 'unit = "USD"', 1)
    text = text.replace("amount_inr = 6500", "amount_inr = 6500.5").replace("assumed = true", 'assumed = "yes"', 1)
    with pytest.raises(InputError) as error:
        load_prices(written(tmp_path, text))
    assert sorted(codes(error)) == sorted(["catalogue.type", "catalogue.type", "catalogue.missing", "catalogue.unknown", "catalogue.value"])


def test_faults_of_levels(tmp_path: Path) -> None:
    """A level without pixels, and a key nobody knows, are named together."""
    with pytest.raises(InputError) as error:
        load_levels(written(tmp_path, 'version = 1\n[x]\npx_per_m = 0\ntitle = "X"\ntitle_hi = "X"\nprofile = "P"\ncolour = 1\n'))
    assert codes(error) == ["catalogue.value", "catalogue.unknown"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("crime = 0.35", "crime = 0.45", "recipe.shares"),
        ("crime = 0.35", "crime = -0.35", "catalogue.value"),
        ("crime = 0.35", "crimes = 0.35", "catalogue.unknown"),
        ("motorway = 0.6", "autobahn = 0.6", "catalogue.unknown"),
        ("motorway = 0.6", "", "catalogue.missing"),
        ('kernel = "quartic"', 'kernel = "gauss"', "catalogue.value"),
        ("bandwidth_m = 150.0", "bandwidth_m = 0", "catalogue.value"),
        ("theft = 1.0", 'theft = "high"', "catalogue.type"),
        ("other = 1.0", "", "catalogue.missing"),
        ("[area]", "[areas]", "catalogue.missing"),
        ('own_kinds = ["school"', 'own_kinds = [1, "school"', "catalogue.type"),
        ("nearest_points = 3", "nearest_points = 0", "catalogue.value"),
        ("target_m = 1.6", "", "catalogue.missing"),
    ],
)
def test_faults_of_a_recipe(tmp_path: Path, old: str, new: str, code: str) -> None:
    """Shares that do not sum to 1, and every wrong, missing or unknown setting, are refused by name."""
    text = (DATA / "recipes" / "balanced.toml").read_text(encoding="utf-8").replace("'", '"')
    assert old in text
    written(tmp_path, text.replace(old, new, 1), "mine.toml")
    with pytest.raises(InputError) as error:
        load_recipe("mine", tmp_path)
    assert code in codes(error)
