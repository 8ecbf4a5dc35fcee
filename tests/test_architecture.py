"""Dependencies point one way, and what a page needs at once loads without TensorFlow."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
MODULES = {f"cnn.{file.stem}" for file in (ROOT / "cnn").glob("*.py") if file.stem != "__init__"}


def test_the_contracts_on_imports_are_kept():
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_the_contracts_speak_of_every_module():
    layers, *forbidden = CONTRACTS
    listed = {name.strip() for line in layers["layers"] for name in line.split("|")}
    assert listed == MODULES | {"cnn.ui"}
    for contract in forbidden:
        drawing = {"cnn.figures"} if "plotly" in contract["forbidden_modules"] else set()
        assert set(contract["source_modules"]) - {"cnn.ui"} == MODULES - drawing, contract["name"]


LIGHT = ["cnn.config", "cnn.runs", "cnn.jobs", "cnn.figures", "cnn.images", "cnn.rate_search", "cnn.script"]


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        (LIGHT, ["tensorflow", "keras", "streamlit"]),
        (
            ["cnn.data", "cnn.predict", "cnn.evaluate", "cnn.train", "cnn.rate_finder"],
            ["tensorflow", "keras", "streamlit", "plotly"],
        ),
        (["cnn.geometry", "cnn.layers"], ["tensorflow", "keras", "streamlit", "plotly", "numpy", "psutil"]),
    ],
    ids=["what a page needs at once", "the command lines before their turn", "arithmetic"],
)
def test_modules_load_without_what_they_do_not_need(modules, heavy):
    code = f"import sys, {', '.join(modules)}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_networks_are_fitted_by_the_trainer_alone():
    callers = set()
    for file in (*(ROOT / "cnn").rglob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "app.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fit":
                callers.add(file.name)
    assert callers == {"train.py", "transfer.py"}  # the latter of scikit-learn's logistic regression


@pytest.mark.parametrize("module", sorted(MODULES))
def test_every_module_says_what_it_is(module):
    text = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert len((ast.get_docstring(ast.parse(text)) or "").split()) >= 8
