"""What the README says is true: its file tree, its commands, its figures."""

import json
import re
from pathlib import Path

from cnn import train
from cnn.config import presets

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def listed_files() -> set[str]:
    """The paths of the file tree, its indentation turned back into folders."""
    tree = README.split("## File tree")[1].split("```")[1]
    folders: list[str] = []
    paths = set()
    for line in tree.strip("\n").splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        folders = [*folders[:depth], name]
        paths.add("".join(folders))
    return paths


def test_every_listed_file_exists():
    assert {path for path in listed_files() if not (PROJECT / path).exists()} == set()


def test_every_module_and_page_is_listed():
    code = [*PROJECT.glob("cnn/*.py"), *PROJECT.glob("cnn/ui/**/*.py"), *PROJECT.glob("pages/*.py")]
    present = {str(path.relative_to(PROJECT)) for path in code if path.name != "__init__.py"}
    assert present - listed_files() == set()


def test_the_top_level_is_the_agreed_one():
    agreed = {"README.md", "requirements.txt", "app.py", "pages", "cnn", "tests", ".streamlit", "pyproject.toml"}
    agreed |= {"LICENSE", "benchmarks", "docs", ".ci", ".gitignore"}
    caches = {".git", ".pytest_cache", ".ruff_cache", ".import_linter_cache", ".venv", "runs", "__pycache__"}
    assert {path.name for path in PROJECT.iterdir()} - agreed - caches == set()


def test_every_picture_exists():
    pictures = re.findall(r"!\[.*?\]\((docs/.*?)\)", README)
    assert len(pictures) == 8
    assert all((PROJECT / picture).is_file() for picture in pictures)


def test_options_and_presets_are_the_real_ones(capsys):
    try:
        train.main(["--help"])
    except SystemExit:
        help_text = capsys.readouterr().out
    for option in re.findall(r"\[(--\w+)", re.search(r"python -m cnn.train --preset NAME.*", README)[0]):
        assert option in help_text
    for preset in presets():
        assert f"`{preset}`" in README


def test_the_stated_accuracy_is_the_measured_one():
    measured = json.loads((PROJECT / "cnn/pretrained/lecture/evaluation.json").read_text())
    stated = re.search(r"on the 10,000 test pictures is \*\*([\d.]+)%\*\*", README)[1]
    assert measured["n"] == 10_000
    assert abs(float(stated) / 100 - measured["accuracy"]) < 0.00006
