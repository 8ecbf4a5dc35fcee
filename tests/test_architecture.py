"""Dependencies point one way, and what a page needs at once loads without TensorFlow."""

import ast
import builtins
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CNN = ROOT / "cnn"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
PACKAGES = {file.parent.name for file in CNN.glob("*/__init__.py")}
COMMANDS = {"train", "predict", "evaluate", "sweep"}
BASES = {"errors", "disk"}  # what every package may know


def test_the_contracts_on_imports_are_kept():
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    "tool",
    [pytest.param(["mypy"], marks=pytest.mark.slow), ["ruff", "check", "."], ["ruff", "format", "--check", "."]],
    ids=["types", "style", "layout"],
)
def test_the_source_is_clean(tool):
    done = subprocess.run([sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_speak_of_every_package():
    layers, *forbidden = CONTRACTS
    assert set(re.findall(r"[a-z_]+", " ".join(layers["layers"]))) == PACKAGES | COMMANDS | BASES
    for contract, alone in zip(forbidden, ("ui", "charts", "report"), strict=True):
        assert set(contract["source_modules"]) == {f"cnn.{name}" for name in PACKAGES - {alone}}, contract["name"]


def test_beside_the_packages_there_are_the_commands_and_the_bases_only():
    assert {file.stem for file in CNN.glob("*.py")} == COMMANDS | BASES | {"__init__"}


def test_every_error_of_the_project_is_one_that_people_read():
    found = {}
    for file in CNN.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = [ast.unparse(base) for base in node.bases]
                known = [base for base in bases if isinstance(vars(builtins).get(base), type)]
                if "AtelierError" in bases or any(issubclass(vars(builtins)[base], BaseException) for base in known):
                    assert node.name not in found, f"{node.name} exists twice"
                    found[node.name] = bases
    assert found.pop("AtelierError") == ["Exception"]
    assert found.pop("Stopped") == ["Exception"]  # which is no trouble
    assert len(found) > 15
    assert [name for name, bases in found.items() if bases[0] != "AtelierError"] == []


def test_a_page_shows_the_sentence_of_an_error_as_it_stands(monkeypatch):
    from cnn import runs
    from cnn.errors import AtelierError
    from cnn.ui import shell

    shown = []
    monkeypatch.setattr(shell.st, "error", lambda text, icon=None: shown.append(text))
    for error in (AtelierError("Go on with *less*."), runs.RunExists("It trains."), OSError(28, "No space left")):
        with shell.show_errors():
            raise error
    assert shown[:2] == [shell.plain("Go on with *less*."), "It trains."] and "*less*" not in shown[0]
    assert "No space left" in shown[2]
    with pytest.raises(ValueError, match="a bug"), shell.show_errors():
        raise ValueError("a bug")


def test_tests_mirror_the_packages():
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders - {"pages", "e2e", "benchmarks", "commands"} == PACKAGES


LIGHT = [
    *("cnn.config", "cnn.pictures", "cnn.runs", "cnn.runs.launchers", "cnn.charts"),
    *("cnn.tuning", "cnn.tuning.rate_search", "cnn.training.keras_script"),
]


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        (LIGHT, ["tensorflow", "keras", "streamlit", "cv2", "sklearn"]),
        (["cnn.interpret.embedding"], ["tensorflow", "keras", "streamlit", "plotly", "sklearn"]),
        (
            ["cnn.data", "cnn.predict", "cnn.evaluate", "cnn.train", "cnn.sweep", "cnn.tuning.rate_finder"],
            ["tensorflow", "keras", "streamlit", "plotly", "sklearn"],
        ),
        (
            ["cnn.config.geometry", "cnn.config.layers"],
            ["tensorflow", "keras", "streamlit", "plotly", "numpy", "psutil"],
        ),
    ],
    ids=["what a page needs at once", "maps before there is one", "the command lines before their turn", "arithmetic"],
)
def test_modules_load_without_what_they_do_not_need(modules, heavy):
    code = f"import sys, {', '.join(modules)}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_pages_draw_their_head_before_tensorflow_is_loaded():
    heads = [
        ast.unparse(node)
        for file in sorted((ROOT / "pages").glob("*.py"))
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    code = "\n".join([*heads, "import sys", "print({'tensorflow', 'sklearn'} & {*sys.modules})"])
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.returncode) == ("set()", 0), done.stderr


def test_networks_are_fitted_by_the_trainer_alone():
    callers = set()
    for file in (*(ROOT / "cnn").rglob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "app.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fit":
                callers.add(file.name)
    # The others fit models of scikit-learn: a logistic regression, principal components.
    assert callers == {"trainer.py", "transfer_learning.py", "embedding.py"}


@pytest.mark.parametrize("file", sorted(CNN.rglob("*.py")), ids=lambda file: str(file.relative_to(CNN)))
def test_every_module_says_what_it_is(file):
    assert len((ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split()) >= 8
