"""What a server does once, in the background."""

import ast
import threading
import time
from pathlib import Path

from streamlit.runtime.scriptrunner import script_runner

from cnn import runs
from cnn.runs import trash
from cnn.ui import preload
from tests.runs.test_directory import finished


def test_a_server_that_starts_empties_the_bin_of_what_is_old(monkeypatch):
    old, new = finished("old"), finished("new")
    runs.delete(old)
    now = time.time()
    monkeypatch.setattr(trash.time, "time", lambda: now + 20 * 24 * 3600)
    runs.delete(new)
    monkeypatch.setattr(trash.time, "time", lambda: now + 31 * 24 * 3600)
    monkeypatch.setattr(preload.importlib, "import_module", lambda name: None)
    monkeypatch.setattr(preload, "_PAUSE", 0)
    preload._load()
    assert [run.id for run, _ in runs.deleted()] == [new.id]


def test_one_thread_at_a_time_loads_tensorflow(monkeypatch):
    inside, most = [], []

    def load(name):
        inside.append(name)
        most.append(len(inside))
        time.sleep(0.05)
        inside.pop()

    monkeypatch.setattr(preload, "_NEEDED", "not.loaded.yet")  # another test may have loaded TensorFlow
    monkeypatch.setattr(preload.importlib, "import_module", load)
    threads = [threading.Thread(target=preload.tensorflow) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]


def test_what_tensorflow_has_prepared_outlives_the_run_of_a_page(monkeypatch):
    """Streamlit calls Keras's clear_session after each: a prediction would take ten times as long."""
    preload.tensorflow()
    import keras
    from tensorflow.python.eager import context

    forgotten: list[bool] = []
    monkeypatch.setattr(context.Context, "clear_kernel_cache", lambda self: forgotten.append(True))
    script_runner._clean_problem_modules()
    assert not forgotten
    keras.utils.clear_session(free_memory=False)
    assert forgotten, "this is how it is forgotten"


ROOT = Path(__file__).resolve().parents[2]
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for file in [*ROOT.glob("cnn/**/*.py"), *ROOT.glob("pages/*.py")]
}


def imported(nodes: list[ast.stmt]) -> set[str]:
    """What these statements import, also what may be an attribute of a module."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def loading() -> set[str]:
    """The modules of the project that load TensorFlow when they are imported, and TensorFlow itself."""
    needs = {name: imported(ast.parse(file.read_text(encoding="utf-8")).body) for name, file in MODULES.items()}
    found = {"tensorflow", "keras"}
    while more := {name for name, needed in needs.items() if needed & found} - found:
        found |= more
    return found


def test_who_loads_tensorflow_later_takes_turns():
    loads = loading()
    assert {"cnn.ui.models", "cnn.ui.explore.feature_maps", "cnn.networks.portable"} <= loads
    assert not {"cnn.ui.shell", "cnn.ui.start.guess", "cnn.ui.train.form", "pages.10_Predict"} & loads
    later = []
    for name, file in MODULES.items():
        if name.startswith(("cnn.ui.", "pages.")) and name not in loads and name != "cnn.ui.preload":
            for block in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(block, ast.With | ast.FunctionDef) and imported(block.body) & loads:
                    later.append(name)
                    assert any(ast.unparse(node) == "preload.tensorflow()" for node in block.body), name
    assert sorted(later) == [
        "cnn.ui.compare",
        "cnn.ui.evaluate.robustness",
        "cnn.ui.model.download",
        "cnn.ui.model.maps",
        "pages.10_Predict",
        "pages.1_Learn",
        "pages.9_Explore",
    ]
