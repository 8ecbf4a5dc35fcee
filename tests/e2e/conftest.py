"""A real dashboard and a real browser for the journeys."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
FOREIGN_NAME = "clothes.example.org"  # for the browser another name of this machine
_PATIENCE = 90_000  # milliseconds: a first page, or a first download, loads TensorFlow, on a busy machine
_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Dashboard:
    """`streamlit run app.py` on a free port, with a runs folder of its own. Options are of that command."""

    def __init__(self, runs: Path, log: Path, script: str = "app.py", *options: str):
        self.runs, self.log, self._script, self._options = runs, log, script, options
        self._judged = 0  # characters of the log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        options = [f"--server.port={self.port}", "--server.headless=true"]
        with self.log.open("ab") as log:  # a pipe that nobody reads would fill up and block the server
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", self._script, *options, *self._options],
                cwd=PROJECT,
                env={**os.environ, "CNN_RUNS": str(self.runs)},
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"The dashboard did not start: {self.log.read_text()}")

    def kill(self) -> None:
        """Without a word, as a crash would."""
        self._process.kill()
        self._process.wait()

    def end_trainings(self) -> None:
        """Trainings and sweeps outlive their dashboard, but not a test."""
        ended = []
        for file in (*self.runs.glob(".sweeps/*/status.json"), *self.runs.glob("*/status.json")):
            if pid := json.loads(file.read_text()).get("pid"):
                with contextlib.suppress(psutil.NoSuchProcess):
                    ended.append(psutil.Process(pid))
                    ended[-1].kill()
        psutil.wait_procs(ended, timeout=20)

    def expect_no_failure(self) -> None:
        """No code of the project failed in it since the last look, so that one failure is the failure of one test.

        (The web server complains of windows that close while it sends.)
        """
        log = self.log.read_text()[self._judged :]
        self._judged += len(log)
        assert str(PROJECT / "cnn") not in log and str(PROJECT / "pages") not in log, log


@pytest.fixture
def dashboard(_dashboard: Dashboard) -> Iterator[Dashboard]:
    """A server without runs, for journeys that train or that kill it. One after the other visits the same."""
    shutil.rmtree(_dashboard.runs, ignore_errors=True)  # now, when the windows of the journey before are closed
    yield _dashboard
    _dashboard.end_trainings()
    _dashboard.expect_no_failure()


@pytest.fixture(scope="session")
def _dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    yield from _served(tmp_path_factory.mktemp("dashboard"))


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """One server for all other journeys, so that it loads TensorFlow once."""
    yield from _served(tmp_path_factory.mktemp("workshop"))


def _served(folder: Path) -> Iterator[Dashboard]:
    server = Dashboard(folder / "runs", folder / "server.log")
    server.start()
    yield server
    server.kill()
    server.end_trainings()
    server.expect_no_failure()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if _CHROMIUM is None:
        reason = "no Chromium on this machine: install Debian's package chromium to run the browser tests"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        arguments.append(f"--host-resolver-rules=MAP {FOREIGN_NAME} 127.0.0.1")
        launched = playwright.chromium.launch(executable_path=_CHROMIUM, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def tab(browser) -> Iterator[Page]:
    """One for all visits: a new one would compile Streamlit's scripts anew, which takes longer than a visit."""
    context = browser.new_context()
    context.set_default_timeout(_PATIENCE)
    expect.set_options(timeout=_PATIENCE)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(tab) -> Iterator[Page]:
    """A window of a newcomer. No script of a page may fail in it, or in another that it opens."""
    tab.set_viewport_size({"width": 1280, "height": 1000})
    tab.emulate_media(color_scheme="light")
    errors: list[str] = []
    listen = lambda web_error: errors.append(str(web_error.error))  # noqa: E731
    tab.context.on("weberror", listen)
    yield tab
    leave(tab)
    tab.context.remove_listener("weberror", listen)
    assert not errors


def leave(tab: Page) -> None:
    """End the visit; nothing of it stays with the browser."""
    for other in tab.context.pages:
        if other is not tab:
            other.close()
    with contextlib.suppress(Error):  # where there is no page yet
        tab.evaluate("() => { localStorage.clear(); sessionStorage.clear() }")
    tab.context.clear_cookies()
    tab.goto("about:blank")
