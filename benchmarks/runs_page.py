"""How fast the Runs page opens: `python -m benchmarks.runs_page [--runs N] [--trials N]`.

Makes run directories of ten epochs with 200 points each: metrics, summary, label, status, evaluation, and the time
lapse (whose files are empty inside: only their sizes are asked for). Then it measures three things. In a new process:
reading all runs and building the table. In the same process once more: what a click costs a server that has read them
before. And in headless Chromium, on a server that has been visited: from a click on "Runs" in the menu to the drawn
table. Target of the last: below 0.5 seconds with 1,000 runs. There is no rival here: what TensorBoard reads of as many
runs are other files.
"""

import argparse
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.report import machine, spread
from cnn import runs
from cnn.config import RunConfig, presets

_PROJECT = Path(__file__).resolve().parents[1]
_EPOCHS, _POINTS = 10, 200
_IN_PROCESS = """
import json, time
from cnn import runs
from cnn.ui import run_table
seconds = []
for _ in range(2):
    start = time.perf_counter()
    run_table.table(run_table.View().of(runs.listed()))
    seconds.append(time.perf_counter() - start)
print(json.dumps(seconds))
"""


def make(folder: Path, count: int) -> None:
    """Fill a runs folder with runs that differ in name, tags, state, learning rate, batch size and seed."""
    chance = random.Random(1)
    for number in range(count):
        day, second = divmod(number * 977, 86_400)
        stamp = (
            f"2026{1 + day // 28 % 12:02}{1 + day % 28:02}-{second // 3600:02}{second // 60 % 60:02}{second % 60:02}"
        )
        path = folder / f"{stamp}-run-{number}"
        path.mkdir(parents=True)
        config = _config(chance)
        runs.write_json(path / "config.json", config.model_dump(mode="json"))
        tags = chance.sample(["baseline", "sweep", "to repeat", "wide", "augmented"], chance.randrange(3))
        runs.write_json(path / "label.json", {"name": f"{config.preset} {number}", "tags": tags})
        (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in _metrics(chance)))
        runs.write_summary(path)
        state = chance.choice(["finished"] * 8 + ["stopped", "failed"])
        runs.write_status(path, runs.Status(state, created=1.77e9 + number, epoch=_EPOCHS, steps=400, seconds=612.0))
        if state == "finished":
            runs.write_json(path / "evaluation.json", {"split": "test", "n": 10_000, "accuracy": 0.9, "loss": 0.3})
        for name, size in (("model.keras", 900_000), ("checkpoint.npz", 2_600_000), ("examples.npz", 48_000)):
            _empty(path / name, size)
        for epoch in range(1, _EPOCHS + 1):
            _empty(path / "lapse" / f"epoch-{epoch:04}.npz", 240_000)


def _config(chance: random.Random) -> RunConfig:
    values = presets()[chance.choice(["tiny", "fast", "lenet5", "lecture"])].model_dump()
    rate, size = chance.choice([0.0003, 0.001, 0.003, 0.01]), chance.choice([32, 64, 128])
    values["training"] |= {"learning_rate": rate, "batch_size": size, "epochs": _EPOCHS}
    values["training"]["seed"] = chance.randrange(1000)  # no two configurations are the same text
    return RunConfig.model_validate(values)


def _metrics(chance: random.Random) -> list[dict]:
    lines: list[dict] = []
    for epoch in range(_EPOCHS):
        for point in range(1, _POINTS + 1):
            loss = round(2.3 / (1 + epoch + point / _POINTS) + chance.random() / 20, 5)
            place = {"epoch": epoch, "step": 2 * point, "steps": 2 * _POINTS}
            values = {"loss": loss, "accuracy": round(1 - loss / 2.6, 5), "update": 0.00123}
            lines.append({"kind": "batch", **place, **values, "seconds": 61.2 * epoch + 0.3 * point})
        whole = {"loss": loss, "accuracy": round(1 - loss / 2.6, 5), "val_loss": loss, "val_accuracy": 1 - loss / 2.5}
        lines.append({"kind": "epoch", "epoch": epoch + 1, **whole, "learning_rate": 0.001, "seconds": 61.2 * epoch})
    return lines


def _empty(path: Path, size: int) -> None:
    """A file of some size that takes no room on the disk."""
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def in_process(folder: Path, trials: int) -> tuple[list[float], list[float]]:
    """Milliseconds to read all runs and build the table: in a new process, and once more in the same."""
    pairs = []
    for _ in range(trials):
        command = [sys.executable, "-c", _IN_PROCESS]
        done = subprocess.run(
            command,
            cwd=_PROJECT,
            env={**os.environ, "CNN_RUNS": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        pairs.append(json.loads(done.stdout.splitlines()[-1]))
    first, again = zip(*pairs, strict=True)
    return [1000 * value for value in first], [1000 * value for value in again]


# The clock starts in the browser with the click, and stops after the first frame in which the names of the runs stand
# on the table's canvas: dark pixels, left, below its head. (The page is light; the lines of the table are too.)
_CLICK = """
() => new Promise(resolve => {
    const written = canvas => {
        const {data} = canvas.getContext('2d').getImageData(50, 80, 160, 200);
        let dark = 0;
        for (let i = 0; i < data.length; i += 4) dark += data[i + 3] > 0 && data[i] + data[i + 1] + data[i + 2] < 500;
        return dark > 200;
    };
    const start = performance.now();
    [...document.querySelectorAll('[data-testid=stSidebarNavLink]')].find(a => a.innerText.includes('Runs')).click();
    const look = () => {
        const canvas = document.querySelector('[data-testid=stDataFrame] canvas[data-testid=data-grid-canvas]');
        const there = canvas && canvas.height > 300 && written(canvas);
        if (there) resolve(performance.now() - start); else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})
"""


def in_browser(folder: Path, trials: int) -> list[float]:
    """Milliseconds from a click on "Runs" to the table, from Start and Train in turn, after one visit to warm up."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"],
        cwd=_PROJECT,
        env={**os.environ, "CNN_RUNS": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"{url}/_stcore/health")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            page.goto(url)
            times = []
            for trial in range(trials + 1):
                page.get_by_role("link", name="Train" if trial % 2 else "Start", exact=True).click()
                page.wait_for_timeout(3000)  # until that page is at rest
                if page.get_by_test_id("stDataFrame").count():
                    raise RuntimeError("Another table is on the page already: the clock could not tell them apart.")
                milliseconds = page.evaluate(_CLICK)
                times += [milliseconds] * (trial > 0)
                page.wait_for_timeout(1500)
            browser.close()
            return times
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"The dashboard did not start: nothing answers at {url}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=9)
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), options.runs)
        time.sleep(3)  # files that have just changed are not taken from memory
        print(f"{options.runs:,} runs, {options.trials} trials; milliseconds")
        first, again = in_process(Path(folder), options.trials)
        print(f"read and tabulated in a new process   {spread(first, 0)}")
        print(f"once more in the same process         {spread(again, 0)}")
        print(f"from the click to the drawn table     {spread(in_browser(Path(folder), options.trials), 0)}")
        for file in Path(folder).glob("*/summary.json"):
            file.unlink()
        first, again = in_process(Path(folder), 3)
        print(f"without summaries: in a new process   {spread(first, 0)}")
        print(f"without summaries: once more          {spread(again, 0)}")


if __name__ == "__main__":
    main()
