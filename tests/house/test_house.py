"""The house's own rules: imports point one way, one door to each heavy library, small files, nothing left undone."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from screens.routes import ASSETS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("planning", "coverage", "optimizer", "live", "screens")
MOST_LINES, MOST_IN_A_FUNCTION = 400, 60
STEPS = {
    f"planning.migrations.versions.{name}"
    for name in ("0001_first_tables", "0002_settings_and_identities", "0003_deployments_footage_events")
}
# library -> the modules that may import it
DOORS = {
    "osmium": {"planning.osm"}, "osmnx": {"planning.osm"}, "pyrosm": {"planning.osm"}, "pandera": {"planning.frames"}, "numba": {"planning.jit"},
    "pulp": {"optimizer.program"}, "highspy": {"optimizer.program"}, "sqlalchemy": {"planning.store", "planning.engine", "planning.schema", *STEPS},
    "alembic": {"planning.store", "planning.migrations.env", *STEPS},
    "argon2": {"planning.passwords"}, "cryptography": {"live.secrets", "planning.signed"}, "onvif": {"live.onvif"}, "lxml": {"live.soap"},
    "dask": {"planning.workers"}, "distributed": {"planning.workers"},
    "rasterio": {"coverage.terrain", "coverage.gaps"}, "cv2": {"live.feeds"}, "av": {"live.feeds"}, "typst": {"planning.report"},
}  # fmt: skip
# room -> what it may import of the house
MAY_IMPORT = {
    "planning": set(), "coverage": {"planning"}, "optimizer": {"coverage", "planning"}, "live": {"coverage", "planning"},
    "screens": {"optimizer", "live", "coverage", "planning"}, "app": set(ROOMS), "cli": set(ROOMS), "benchmarks": {*ROOMS, "cli", "data", "tests"},
    "data": {"planning", "data"},
}  # fmt: skip


def sources() -> list[Path]:
    """Every Python file of the product, benchmarks and the demo's maker."""
    folders = (*ROOMS, "benchmarks", "data/demo")
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [*found, ROOT / "cli.py", *([ROOT / "app.py"] if (ROOT / "app.py").exists() else [])]


def module(path: Path) -> str:
    """The dotted name of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@cache
def tree(path: Path) -> ast.Module:
    """The file parsed."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever in it, those for type checking too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def named(path: Path) -> str:
    """How a test of a file is called."""
    return str(path.relative_to(ROOT))


def test_import_linter_s_contracts_hold() -> None:
    """The contracts of pyproject.toml are kept."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sources(), ids=named)
def test_imports_point_one_way(path: Path) -> None:
    """A room imports only what stands below it; nothing but benchmarks imports app or cli; no relative import hides where a name comes from."""
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    ours = {name.split(".")[0] for name in imports(path)} & {*ROOMS, "app", "cli", "benchmarks", "tests", "data"}
    assert ours - {own} <= MAY_IMPORT[own]
    assert not [node for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom) and node.level]


@pytest.mark.parametrize("path", sources(), ids=named)
def test_heavy_libraries_have_one_door(path: Path) -> None:
    """Each heavy library is imported by the one module that owns it."""
    wrong = [name for name in imports(path) if module(path) not in DOORS.get(name.split(".")[0], {module(path)})]
    assert wrong == []


@pytest.mark.parametrize("path", sources(), ids=named)
def test_files_and_functions_are_small(path: Path) -> None:
    """A file past 400 lines asks to be two; a function past 60 asks for helpers."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= MOST_IN_A_FUNCTION
    }
    assert long == {}


@pytest.mark.parametrize("path", sorted((ROOT / "screens" / "component").iterdir()), ids=lambda path: path.name)
def test_scripts_and_styles_are_small_too(path: Path) -> None:
    """What runs in the browser keeps to the same length of file, and each of it is served."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    assert path in {served for served, _ in ASSETS.values()}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_s_init_holds_a_docstring_only(room: str) -> None:
    """A name is imported from the module that owns it: `__init__.py` gives none."""
    for path in (ROOT / room).rglob("__init__.py"):
        (only,) = tree(path).body
        assert isinstance(only, ast.Expr)
        assert isinstance(only.value, ast.Constant)
        assert isinstance(only.value.value, str)


@pytest.mark.parametrize("path", sources(), ids=named)
def test_nothing_is_left_undone(path: Path) -> None:
    """No TODO or FIXME, no bare NotImplementedError, no body of dots outside protocols and overloads."""
    with path.open("rb") as stream:
        notes = [token.string for token in tokenize.tokenize(stream.readline) if token.type == tokenize.COMMENT]
    assert not [note for note in notes if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", note)]
    assert not [node for node in ast.walk(tree(path)) if isinstance(node, ast.Name) and node.id == "NotImplementedError"]


@pytest.mark.parametrize("path", sources(), ids=named)
def test_every_public_name_says_what_it_is(path: Path) -> None:
    """Modules, and public functions, classes and methods, have a docstring."""
    assert ast.get_docstring(tree(path))
    silent = []
    for scope in [tree(path), *(node for node in tree(path).body if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))]:
        for node in scope.body:
            if (
                isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
            ):
                silent.append(node.name)
    assert silent == []


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=named)
def test_a_test_s_docstring_is_its_rule(path: Path) -> None:
    """Every test says the rule it proves, and measures no wall time."""
    silent = [
        node.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_each_folder_of_tests_mirrors_a_room() -> None:
    """A test bears the name of the module it tests, in a folder of the room's name."""
    stray = [
        path
        for room in ROOMS
        for path in sorted((ROOT / "tests" / room).glob("test_*.py"))
        if not (ROOT / room / path.name.removeprefix("test_")).exists()
    ]
    assert [named(path) for path in stray if path.stem not in {"test_app"}] == []


def test_the_package_is_never_published() -> None:
    """The folder `coverage` would overwrite another package's: the project refuses to be uploaded."""
    assert '"Private :: Do Not Upload"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
