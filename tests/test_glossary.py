"""What people read is in the words of the glossary (docs/glossary.md)."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "cnn").rglob("*.py")])
TEXTS = [ROOT / "README.md", *(ROOT / "docs" / name for name in ("runs.md", "cluster.md"))]
IN_DOCSTRINGS = ("picture", "anew", "one's own", "in truth")  # the others have another meaning there


def avoided() -> list[str]:
    """The last column of the glossary."""
    rows = [line.split("|") for line in (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines()]
    cells = [row[3] for row in rows if len(row) == 5][2:]
    return [word.strip() for cell in cells for word in cell.split(",") if word.strip()]


def found(text: str, words: list[str] | tuple[str, ...]) -> list[str]:
    """The words that are in a text, also in the plural, but not in the name of a file, a module or an option."""
    return [
        word for word in words if re.search(rf"(?<![\w./`-]){re.escape(word)}s?\b(?!\.\w|[/`:])", text, re.IGNORECASE)
    ]


def docstrings(tree: ast.Module) -> list[ast.Constant]:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    nodes = [node for node in ast.walk(tree) if isinstance(node, kinds) and ast.get_docstring(node) is not None]
    return [node.body[0].value for node in nodes]


def is_prose(text: str) -> bool:
    """A label or a sentence, not a key, a file name or code."""
    return bool(re.search(r"[a-z] [a-z]|^[A-Z][a-z]", text))


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_sources_use_the_terms_of_the_glossary(file):
    tree = ast.parse(file.read_text("utf-8"))
    documentation = docstrings(tree)
    wrong = [(node.lineno, found(node.value, IN_DOCSTRINGS)) for node in documentation]
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    for node in texts:
        if node not in documentation and is_prose(node.value):
            wrong.append((node.lineno, found(node.value, avoided())))
    assert [entry for entry in wrong if entry[1]] == []


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_documents_use_the_terms_of_the_glossary(file):
    assert found(file.read_text("utf-8"), IN_DOCSTRINGS) == []


def test_the_glossary_lists_words_to_avoid():
    assert {"picture", "anew", "mute", "in truth", "operated"} <= set(avoided())
    assert (
        found("two Pictures", ["picture"]) == ["picture"]
        and found("pictured `cnn.pictures` --pictures", ["picture"]) == []
    )
