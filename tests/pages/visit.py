"""Visiting the pages in this process, and runs in every state to visit."""

import json
import time
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from cnn import runs
from cnn.config import RunConfig, presets
from cnn.runs.queue import Place

PROJECT = Path(__file__).resolve().parents[2]
PAGES = {
    "Start": "0_Start",
    "Learn": "1_Learn",
    "Collect": "2_Collect",
    "New network": "3_New_network",
    "Sweeps": "4_Sweeps",
    "Runs": "5_Runs",
    "Train": "6_Train",
    "Model": "7_Model",
    "Evaluate": "8_Evaluate",
    "Explore": "9_Explore",
    "Predict": "10_Predict",
}


def open_page(name: str, run: str | None = None, **link: str) -> AppTest:
    """Open a page by its link; `link`: what else it says."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    for key, value in {**({"run": run} if run else {}), **link}.items():
        app.query_params[key] = value
    if name != "Start":
        app.switch_page(f"pages/{PAGES[name]}.py")
    return refresh(app)


def refresh(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def run_in_link(app: AppTest) -> str:
    """The run in the link; the current one where the first link of a visit names none.

    AppTest hands a parameter back as a list until a page has set it, then as a string.
    """
    value = app.query_params.get("run") or app.session_state["run"]
    return value if isinstance(value, str) else value[0]


def picker(app: AppTest, name: str) -> Selectbox:
    """A list of `links.picker`, whose key is another whenever the page has changed what it shows."""
    (found,) = (box for box in app.selectbox if (box.key or "").rpartition("-")[0] == name)
    return found


def text(app: AppTest) -> str:
    """Everything that a visitor can read in the main part and the sidebar."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "metric", "button")
    words = [str(getattr(e, "value", "")) + " " + str(getattr(e, "label", "")) for k in kinds for e in app.get(k)]
    return "\n".join(words)


class RecordingLauncher:
    """Stands in for the one that starts processes."""

    def __init__(self):
        self.calls: list[tuple[str, str]] = []

    def start(self, run):
        self.calls.append(("start", run.id))

    def stop(self, run):
        self.calls.append(("stop", run.id))
        runs.request_stop(run)

    def kill(self, run):
        self.calls.append(("kill", run.id))

    def place(self):
        return Place("this machine", "One run at a time.")

    def waiting(self, run):
        return ""


def make_run(state: str, **status) -> runs.Run:
    """A run of the tiny preset in some state, with the curves of one epoch."""
    run = runs.create(presets()["tiny"], f"a {state} run")
    runs.write_status(run.path, runs.Status(state, created=time.time(), heartbeat=time.time(), **status))
    batch = {"kind": "batch", "epoch": 0, "step": 40, "steps": 79, "loss": 1.5, "accuracy": 0.5, "seconds": 1.0}
    epoch = {
        "kind": "epoch",
        "epoch": 1,
        "loss": 1,
        "accuracy": 0.6,
        "val_loss": 0.9,
        "val_accuracy": 0.7,
        "seconds": 2,
    }
    (run.path / "metrics.jsonl").write_text(f'{json.dumps(batch)}\n{json.dumps(epoch)}\n{{"kind": "ba')
    return runs.read(run.path)


def own(*layers) -> runs.Run:
    """A finished run of a network of one's own, untrained."""
    from cnn.networks.build import build  # most pages are visited without TensorFlow

    layout = RunConfig(layers=layers, data={"dataset": "synthetic"})
    run = runs.create(layout, "my own")
    build(layout).save(run.model_path)
    runs.write_status(run.path, runs.closed(run.status, "finished"))
    return runs.read(run.path)


def first_picture(run: runs.Run) -> np.ndarray:
    """The sample that a page begins with, (1, 28, 28, 1)."""
    from cnn.ui.predict import inputs, pictures

    examples, _ = inputs.test_pictures(run)
    index = int((examples.labels == 0).nonzero()[0][0])
    return pictures.of_sample(examples.images[index], "", 0).seen.pixels[None]
