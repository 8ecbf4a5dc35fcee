"""What README.md and docs/*.md say is true: the file tree, commands, options, modules, links and figures."""

import ast
import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cnn import config

PROJECT = Path(__file__).resolve().parents[1]
PAGES = [PROJECT / "README.md", *sorted(PROJECT.glob("docs/*.md"))]
TEXTS = {page.relative_to(PROJECT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
README = TEXTS["README.md"]


# --- the file tree ----------------------------------------------------------------------------------------------


def listed_files() -> list[str]:
    """The paths of the file tree, its indentation turned back into folders."""
    tree = README.split("## File tree")[1].split("```")[1]
    folders: list[str] = []
    paths = []
    for line in tree.strip("\n").splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        folders = [*folders[:depth], name]
        paths.append("".join(folders))
    return paths


def test_every_listed_file_exists():
    paths = listed_files()
    assert [path for path in paths if not (PROJECT / path).exists()] == []
    assert [path for path in paths if (PROJECT / path).is_dir() != path.endswith("/")] == []
    assert sorted(set(paths)) == sorted(paths)


def test_every_package_and_every_file_at_the_top_of_cnn_is_listed():
    present = {path.name for path in PROJECT.glob("cnn/*") if path.suffix != ".pyc" and path.name != "__pycache__"}
    listed = {path.removeprefix("cnn/").rstrip("/") for path in listed_files() if re.fullmatch(r"cnn/[^/]+/?", path)}
    assert listed == present


def test_lines_of_the_tree_say_something():
    tree = README.split("## File tree")[1].split("```")[1].strip("\n").splitlines()
    assert [line for line in tree if len(line.split()) < 2] == []


def test_the_top_level_is_the_agreed_one():
    agreed = {"README.md", "requirements.txt", "app.py", "pages", "cnn", "tests", ".streamlit", "pyproject.toml"}
    agreed |= {"LICENSE", "benchmarks", "docs", ".ci", ".gitignore"}
    caches = {f".{tool}_cache" for tool in ("pytest", "ruff", "mypy", "import_linter")}
    caches |= {".git", ".venv", "runs", "datasets", "__pycache__"}
    assert {path.name for path in PROJECT.iterdir()} - agreed - caches == set()


def test_every_page_is_described():
    listed = re.findall(r'_page\("(\w+)", "([^"]+)"', (PROJECT / "app.py").read_text("utf-8"))
    files = [path.stem for path in PROJECT.glob("pages/*.py")]
    assert [name for name, _ in listed] == sorted(files, key=lambda name: int(name.partition("_")[0]))
    described = re.findall(
        r"^\|[\w ]*\| \*\*([\w ]+)\*\* \|", README.split("## The pages")[1].split("\n## ")[0], re.MULTILINE
    )
    assert described == [title for _, title in listed]


# --- commands ---------------------------------------------------------------------------------------------------


def commands() -> dict[str, set[str]]:
    """The options that are shown with each module that is called by `python -m`."""
    found: dict[str, set[str]] = {}
    for text in TEXTS.values():
        for line in re.findall(r"python -m [^`\n]*", text):
            module, _, rest = line.removeprefix("python -m ").partition(" ")
            rest = rest.partition(" #")[0]
            found.setdefault(module, set()).update(re.findall(r"--[a-z][\w-]*", rest))
    return found


COMMANDS = commands()
GONE = {"cnn.sweeper"}  # named in the decisions, as what it was


@pytest.mark.parametrize("module", sorted(set(COMMANDS) - GONE))
def test_commands_exist_with_their_options(module):
    path = PROJECT / f"{module.replace('.', '/')}.py"
    assert path.is_file()
    assert '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    assert COMMANDS[module] - options_of(path, module) == set()


def options_of(path: Path, module: str) -> set[str]:
    """What a command of `cnn` prints as its help; what stands in the source of a benchmark, too slow to start."""
    if not COMMANDS[module]:
        return set()
    if module.startswith("benchmarks."):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        added = [call for call in calls if getattr(call.func, "attr", "") == "add_argument"]
        return {argument.value for call in added for argument in call.args if isinstance(argument, ast.Constant)}
    asked = subprocess.run([sys.executable, "-m", module, "--help"], cwd=PROJECT, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
    return set(re.findall(r"--[a-z][\w-]*", asked.stdout))


def test_every_benchmark_is_mentioned():
    scripts = {path.stem for path in PROJECT.glob("benchmarks/*.py")} - {"__init__", "report", "training"}
    assert scripts - {module.removeprefix("benchmarks.") for module in COMMANDS} == set()


def test_every_preset_is_named():
    assert [preset for preset in config.presets() if f"`{preset}`" not in README] == []


# --- links ------------------------------------------------------------------------------------------------------


def prose(text: str) -> str:
    """The text without its blocks of code and its comments, in which nothing is a link or a heading."""
    return re.sub(r"^```.*?^```|<!--.*?-->", "", text, flags=re.MULTILINE | re.DOTALL)


@functools.cache
def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", prose(TEXTS[page]), re.MULTILINE):
        words = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading).replace("`", "").strip().lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
    return set(found)


def links() -> list[tuple[str, str]]:
    found = [(page, link) for page, text in TEXTS.items() for link in re.findall(r"\]\(([^)\s]+)\)", prose(text))]
    return [(page, link) for page, link in found if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", TEXTS)
def test_relative_links_lead_somewhere(page):
    broken = []
    for link in [link for start, link in links() if start == page]:
        file, _, anchor = link.partition("#")
        target = ((PROJECT / page).parent / file).resolve() if file else PROJECT / page
        if not target.exists() or (anchor and anchor not in anchors(target.relative_to(PROJECT).as_posix())):
            broken.append(link)
    assert broken == []


def test_no_two_headings_of_a_page_are_alike():
    for page, text in TEXTS.items():
        headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
        assert len(headings) == len(set(headings)), page


def test_every_page_of_the_docs_can_be_reached_from_the_readme():
    reached = {link.partition("#")[0] for page, link in links() if page == "README.md"}
    assert {page for page in TEXTS if page != "README.md"} - reached == set()


def test_the_index_of_the_decisions_is_whole_and_in_order():
    text = TEXTS["docs/decisions.md"]
    index, entries = text.split("\n## ", 1)
    headings = re.findall(r"^## (.+)$", f"## {entries}", re.MULTILINE)
    assert re.findall(r"^- \[(.+)\]\(", index, re.MULTILINE) == headings
    dates = re.findall(r"^## .+\n\n\*([\d-]+)", f"## {entries}", re.MULTILINE)
    assert len(dates) == len(headings)
    assert dates == sorted(dates, reverse=True)


# --- modules and tests that are named ---------------------------------------------------------------------------


def is_there(name: str) -> bool:
    """Whether `cnn.package.module.name` is a module, or a name that stands at the top level of one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        base = PROJECT.joinpath(*parts[:end])
        file = base.with_suffix(".py") if base.with_suffix(".py").is_file() else base / "__init__.py"
        if file.is_file():
            return end == len(parts) or (end == len(parts) - 1 and parts[-1] in names_in(file))
    return False


@functools.cache
def names_in(file: Path) -> set[str]:
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Assign(targets=targets):
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found |= {alias.asname or alias.name for alias in aliases}
    return found


@pytest.mark.parametrize("page", TEXTS)
def test_named_modules_and_files_exist(page):
    words = re.findall(r"`([^`\n]+)`", prose(TEXTS[page]))
    dotted = {word for word in words if re.fullmatch(r"cnn(\.\w+)+", word)} - GONE
    assert {word for word in dotted if not is_there(word)} == set()
    paths = {word for word in words if re.fullmatch(r"(cnn|pages|docs|benchmarks|tests|\.streamlit)/[\w./-]*", word)}
    assert {path for path in paths if not (PROJECT / path).exists()} - {".streamlit/secrets.toml"} == set()
    tests = {word for word in words if re.fullmatch(r"test_\w+\.py", word)}
    assert {test for test in tests if not list(PROJECT.glob(f"tests/**/{test}"))} == set()


# --- figures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", ["wardrobe", "lecture", "dense"])
def test_the_stated_accuracy_is_the_measured_one(run):
    measured = json.loads((PROJECT / f"cnn/pretrained/{run}/evaluation.json").read_text())
    row = re.search(rf"^\| `{run}`.*$", README.split("## Results")[1], re.MULTILINE)[0]
    stated = re.findall(r"([\d.]+)%", row)[-1]  # in a single pass, which comes last
    assert measured["n"] == 10_000
    assert abs(float(stated) / 100 - measured["accuracy"]) < 0.00006
