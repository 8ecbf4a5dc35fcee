"""Every key of the session has a name, and that stands in one module."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from cnn.ui import state

ROOT = Path(__file__).resolve().parents[2]
NAMES = {name: value for name, value in vars(state).items() if name.isupper()}
SOURCES = [
    file
    for file in (ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "cnn" / "ui").rglob("*.py"))
    if file != Path(state.__file__)
]


def is_session(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "session_state"


def keys(tree: ast.Module) -> list[ast.expr]:
    """What stands where a key of the session is expected."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=session, slice=key) if is_session(session):
                found.append(key)
            case ast.Call(func=ast.Attribute(value=session, attr="update")) if is_session(session):
                found += [key for arg in node.args if isinstance(arg, ast.Dict) for key in arg.keys]
                found += [ast.Constant(keyword.arg, lineno=node.lineno) for keyword in node.keywords]
            case ast.Call(func=ast.Attribute(value=session), args=[key, *_]) if is_session(session):
                found.append(key)
            case ast.Compare(left=key, comparators=[session]) if is_session(session):
                found.append(key)
    return found


def literals(tree: ast.Module) -> set[str]:
    """The names that a module itself gives to texts."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.Assign):
            pairs = [(node.targets[0], node.value)]
            if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(node.targets[0].elts, node.value.elts, strict=True))
            names |= {
                name.id
                for name, value in pairs
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant | ast.JoinedStr)
            }
    return names


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_key_is_a_text_of_its_own(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    own = literals(tree)
    written = [key for key in keys(tree) if isinstance(key, ast.Constant | ast.JoinedStr) or ast.unparse(key) in own]
    assert [(key.lineno, ast.unparse(key)) for key in written] == []


def test_the_scan_sees_every_way_to_name_a_key():
    lines = [
        "K = 'a'",
        "st.session_state[K]",
        "st.session_state['b'] = 1",
        "st.session_state.get(f'c-{n}')",
        "'d' in st.session_state",
        "st.session_state.update(e=1)",
        "st.session_state.update({'f': 1})",
        "st.session_state.setdefault(state.G, 0)",
    ]
    tree = ast.parse("\n".join(lines))
    assert {ast.unparse(key) for key in keys(tree)} == {"K", "'b'", "f'c-{n}'", "'d'", "'e'", "'f'", "state.G"}
    assert literals(tree) == {"K"}


def test_a_widget_of_a_named_key_has_it_from_there_too():
    twice = [
        (file.name, keyword.value.value)
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for keyword in (node.keywords if isinstance(node, ast.Call) else [])
        if keyword.arg == "key" and isinstance(keyword.value, ast.Constant) and keyword.value.value in NAMES.values()
    ]
    assert twice == []


def test_every_name_is_of_another_key_and_is_used():
    assert [value for value, count in Counter(NAMES.values()).items() if count > 1] == []
    text = "".join(file.read_text(encoding="utf-8") for file in SOURCES)
    functions = [name for name, value in vars(state).items() if callable(value) and value.__module__ == state.__name__]
    inner = Path(state.__file__).read_text(encoding="utf-8")
    assert [name for name in NAMES if f"state.{name}" not in text] == []
    assert [name for name in functions if f"state.{name}(" not in text and inner.count(f"{name}(") < 2] == []
