"""Runs as the jobs of a Ray cluster: a real one on this machine, of two nodes with a CPU each."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from cnn import runs
from cnn.config import Data, Resources, RunConfig, presets
from cnn.runs import Run, RunExists, launchers, ray_launcher, status
from cnn.runs.launchers import LocalLauncher
from cnn.runs.queue import Place, Unreachable, close, enter, hand_over
from cnn.runs.ray_launcher import RayLauncher
from cnn.tuning import Setting, SweepConfig, sweeps
from cnn.ui.text import plain
from tests.command import train_here, wait_until
from tests.pages.visit import RecordingLauncher, make_run, open_page, refresh, text

GIVES_UP = 12  # seconds after which this cluster gives up a job that has found no place; Ray's own are 900
WAIT = 180.0  # seconds, on a machine with other work


def config(epochs: int = 500, cpus: int = 1) -> RunConfig:
    """The tiny preset; 500 epochs take longer than a test looks at them."""
    tiny = presets()["tiny"]
    return tiny.model_copy(
        update={
            "data": Data(dataset="synthetic", limit=2000),
            "training": tiny.training.model_copy(update={"epochs": epochs}),
            "resources": Resources(cpus=cpus),
        }
    )


def now(run: Run) -> Run:
    return runs.read(run.path)


def trains(run: Run) -> bool:
    """Whether it has written curves; fails at once where it never will."""
    state = now(run).state
    assert state in runs.ACTIVE, (state, now(run).status.message, runs.log_tail(run))
    return state == "training" and any(record["kind"] == "epoch" for record in runs.read_metrics(run))


# ---------------------------------------------------------------- the cluster


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


def node(log: Path, *options: str) -> subprocess.Popen:
    """`ray start` in the foreground and in a group of its own: `ray stop` would end every cluster of the machine."""
    command = [str(Path(sys.executable).with_name("ray")), "start", *options, "--num-cpus=1", "--block"]
    command += ["--node-ip-address=127.0.0.1", "--object-store-memory=80000000", "--disable-usage-stats"]
    command += [f"--dashboard-agent-listen-port={free_port()}"]
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "RAY_JOB_START_TIMEOUT_SECONDS": str(GIVES_UP),
    }
    with log.open("wb") as file:
        return subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)


def end(*nodes: subprocess.Popen) -> None:
    """Everything that these have started, and nothing else."""
    family = []
    for process in nodes:
        with suppress(psutil.NoSuchProcess):
            family += psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=20)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster of two nodes."""
    pytest.importorskip("ray.job_submission", reason="The package ray is not installed.")
    from ray.job_submission import JobSubmissionClient

    logs, port, dashboard = tmp_path_factory.mktemp("ray"), free_port(), free_port()
    folder = tempfile.mkdtemp(prefix="ray-")  # its sockets' names must be short
    address, nodes = f"http://127.0.0.1:{dashboard}", []
    try:
        head = [f"--port={port}", f"--dashboard-port={dashboard}", f"--ray-client-server-port={free_port()}"]
        nodes.append(node(logs / "head.log", "--head", *head, "--include-dashboard=true", f"--temp-dir={folder}"))

        def answers() -> bool:
            assert nodes[0].poll() is None, (logs / "head.log").read_text()
            with suppress(Exception):
                return JobSubmissionClient(address).list_jobs() == []
            return False

        wait_until(answers, WAIT)
        nodes.append(node(logs / "node.log", f"--address=127.0.0.1:{port}"))
        with closing(RayLauncher(address, LocalLauncher().kill)) as launcher:
            wait_until(lambda: "2 of 2 CPUs" in launcher.place().text, WAIT)
        yield address
    finally:
        end(*reversed(nodes))
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def launcher(cluster: str) -> Iterator[RayLauncher]:
    with closing(RayLauncher(cluster, LocalLauncher().kill)) as made:
        yield made
        for run in runs.all_runs():
            made.kill(run)


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_runs_share_a_cluster_and_survive_what_happens_there(launcher, monkeypatch):
    """Four runs on two nodes. Two train at once, the others wait; one is stopped and makes room, one is killed."""
    # It knows no trainer's process.
    monkeypatch.setattr(status.socket, "gethostname", lambda: "the dashboard's machine")
    first, second, third, fourth = (runs.create(config(), name) for name in ("first", "second", "third", "fourth"))
    for run in (first, second):
        launcher.start(run)
    wait_until(lambda: trains(first) and trains(second), WAIT)
    nodes = {launcher._view.jobs[now(run).status.job].driver_node_id for run in (first, second)}
    assert len(nodes) == 2, "each on another machine"
    assert now(first).status.pid != now(second).status.pid and now(first).status.message == ""

    for run in (third, fourth):
        launcher.start(run)
    asked = now(third).status.job
    with pytest.raises(RunExists, match="queued"):
        launcher.start(now(third))
    wait_until(lambda: launcher.place().text == "0 of 2 CPUs free, 2 jobs running, 2 waiting.", WAIT)
    assert launcher.waiting(now(third)) == "Waiting for 1 CPU of the Ray cluster"
    assert launcher.waiting(now(fourth)) == "Waiting for 1 CPU of the Ray cluster, behind 1 job"
    assert launcher.waiting(now(first)) == ""

    left = now(fourth).status.job
    launcher.stop(now(fourth))
    assert now(fourth).state == "stopped", "at once, though Ray ends its job only when there is a place"

    wait_until(lambda: now(third).status.job != asked, WAIT)
    assert now(third).state == "queued", "Ray gives up a job that finds no place for long; the run waits on"

    epochs = now(first).status.epoch
    launcher.stop(now(first))
    wait_until(lambda: now(first).state == "stopped", WAIT)
    assert now(first).has_checkpoint and now(first).status.epoch >= epochs
    wait_until(lambda: trains(third), WAIT)
    assert "Test accuracy" not in runs.log_tail(first) and runs.log_tail(first).endswith(str(first.path))

    killed = now(second).status
    os.kill(killed.pid, signal.SIGKILL)
    wait_until(lambda: now(second).state == "interrupted", 60)
    assert "its machine was switched off" in now(second).status.message
    launcher.start(now(second))
    assert now(second).status.job not in (None, killed.job)
    wait_until(lambda: trains(second) and now(second).status.epoch > killed.epoch, WAIT)
    assert [record["what"] for record in runs.read_metrics(second) if record["kind"] == "event"] == ["resumed"]

    launcher.kill(now(third))
    assert now(third).state in ("stopped", "interrupted") and now(third).has_checkpoint
    wait_until(lambda: str(launcher._view.jobs[left].status) != "PENDING", WAIT)
    assert now(fourth).state == "stopped" and runs.read_metrics(fourth) == []


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_job_that_cannot_begin_says_why(launcher, monkeypatch):
    """No program, or no runs folder, on the machine that trains it; the cluster lost it."""
    monkeypatch.setattr(ray_launcher, "_UNKNOWN", 0.5)
    program, storage, unknown = (runs.create(config(), name) for name in ("program", "storage", "unknown"))
    with monkeypatch.context() as patch:
        log = program.path / "log.txt"
        patch.setattr(ray_launcher, "_command", lambda *_: f"exec python -m cnn.no_such_module >> {log} 2>&1")
        launcher.start(program)
    with monkeypatch.context() as patch:
        patch.setattr(ray_launcher, "_command", lambda *_: "exec python >> /no/such/folder/log.txt 2>&1")
        launcher.start(storage)
    enter(unknown, "Waiting", "no-such-job")
    wait_until(lambda: not any(now(run).active for run in (program, storage, unknown)), WAIT)
    assert [now(run).state for run in (program, storage, unknown)] == ["failed", "failed", "interrupted"]
    assert "before the training began: " in now(program).status.message
    assert now(program).status.message.endswith("No module named cnn.no_such_module")
    assert "/no/such/folder/log.txt" in now(storage).status.message
    assert "does not know its job" in now(unknown).status.message


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_run_that_asks_for_more_than_any_machine_has_is_told(launcher):
    run = runs.create(config(cpus=64))
    launcher.start(run)
    said = "No machine of the Ray cluster has 64 CPUs: stop the run, and ask for less in a new one"
    wait_until(lambda: launcher.waiting(now(run)) == said, 30)
    launcher.stop(now(run))
    assert now(run).state == "stopped"


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_sweep_of_three_runs_on_two_machines(cluster, launcher, monkeypatch):
    """By the sweep's own process, as the page starts it. They end in the cluster as they do here."""
    monkeypatch.setenv("CNN_RAY_ADDRESS", cluster)
    rates = Setting(path="training.learning_rate", values=(0.001, 0.003, 0.01))
    sweep = sweeps.start(SweepConfig(base=config(epochs=2), method="grid", settings=(rates,), at_once=2, prune=False))
    together, used = 0, set()

    def over() -> bool:
        nonlocal together
        together = max(together, sum(run.state == "training" for run in runs.all_runs()))
        used.update(job.driver_node_id for job in launcher._view.jobs.values() if run_of(job) in made())
        return not sweeps.read(sweep.path).active

    def made() -> set[str]:
        return {str(run.path) for run in runs.all_runs()}

    def run_of(job) -> str | None:
        return (job.metadata or {}).get("cnn_run")

    wait_until(over, 2 * WAIT)
    ended = sweeps.read(sweep.path)
    assert ended.state == "finished", (ended.message, (sweep.path / "log.txt").read_text())
    assert len(runs.all_runs()) == 3 and launcher._view.jobs
    for run in runs.all_runs():
        assert (run.state, run.status.epoch, run.status.job) == ("finished", 2, None), runs.log_tail(run)
        assert run.has_model and run.evaluation["n"] > 0 and "Test accuracy" in runs.log_tail(run)
        assert launcher.waiting(run) == ""
    assert len(used - {None}) == 2, "both machines have trained"
    assert together == 2


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_jobs_of_ours_that_ended_long_ago_are_forgotten(launcher, monkeypatch):
    """The cluster would list them for ever, at each look."""
    client = launcher._client()
    ours = client.submit_job(entrypoint="true", metadata={"cnn_run": "/somewhere"})
    other = client.submit_job(entrypoint="true")
    wait_until(lambda: all(client.get_job_status(job).is_terminal() for job in (ours, other)), WAIT)
    monkeypatch.setattr(ray_launcher, "_KEPT", 0.0)
    wait_until(lambda: ours not in {job.submission_id for job in client.list_jobs()}, 30)
    assert other in {job.submission_id for job in client.list_jobs()}


# ---------------------------------------------------------------- no cluster


@pytest.fixture
def nobody() -> Iterator[Callable[[str], RayLauncher]]:
    """Launchers for addresses at which no cluster is."""
    made = []

    def launcher(address: str) -> RayLauncher:
        made.append(RayLauncher(address, LocalLauncher().kill))
        return made[-1]

    yield launcher
    for each in made:
        each.close()


class Elsewhere(BaseHTTPRequestHandler):
    """A web server that is no cluster."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<p>Good day.</p>")

    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Of something that takes calls and never answers."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        place.listen()
        yield place.getsockname()[1]


@pytest.fixture
def other_port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", ["closed", "silent", "no cluster", "no dashboard's address", "no ray"])
def test_where_no_cluster_answers_there_is_a_sentence_and_no_run_is_lost(
    kind, nobody, silent_port, other_port, monkeypatch
):
    if kind == "no ray":
        monkeypatch.setitem(sys.modules, "ray.job_submission", None)
        ray_launcher._client_class.cache_clear()
    else:
        pytest.importorskip("ray.job_submission", reason="The package ray is not installed.")
    monkeypatch.setattr(ray_launcher, "_ANSWER", (0.5, 0.5))
    address, said = {
        "closed": (f"127.0.0.1:{free_port()}", "Nothing answers as a Ray cluster at 127.0.0.1:"),
        "silent": (f"http://127.0.0.1:{silent_port}/", "Nothing answers as a Ray cluster"),
        "no cluster": (f"http://127.0.0.1:{other_port}", "Nothing answers as a Ray cluster"),
        "no dashboard's address": ("ray://127.0.0.1:10001", "give the address of the dashboard of a Ray cluster"),
        "no ray": (f"http://127.0.0.1:{other_port}", "the package ray is not installed here: pip install"),
    }[kind]
    launcher = nobody(address)
    new, stopped = runs.create(config(), "new"), runs.create(config(), "stopped")
    runs.write_status(stopped.path, replace(runs.closed(stopped.status, "stopped", "Stopped by request."), epoch=3))
    for run in (new, stopped):
        began = time.monotonic()
        with pytest.raises(Unreachable, match=said.replace(".", r"\.")):
            launcher.start(now(run))
        assert time.monotonic() - began < 10
    assert (now(new).state, said in now(new).status.message) == ("failed", True)
    assert (now(stopped).state, now(stopped).status.message) == ("stopped", "Stopped by request.")
    assert now(stopped).status.epoch == 3 and now(stopped).status.job is None
    wait_until(lambda: launcher.place().problem, 20)
    assert said in launcher.place().problem and "\n" not in launcher.place().problem


def test_a_run_that_waits_can_be_stopped_where_the_cluster_is_gone(nobody):
    run, local = runs.create(config()), runs.create(config())
    for each in (run, local):
        enter(each, "Waiting", "a-job")
    launcher = nobody(f"http://127.0.0.1:{free_port()}")
    wait_until(lambda: launcher.place().problem, 20)
    assert launcher.waiting(now(run)) == launcher.place().problem
    launcher.stop(now(run))
    LocalLauncher().stop(now(local))  # a dashboard that was started again, without the address
    assert now(run).state == now(local).state == "stopped"


def test_a_training_is_not_ended_by_force_where_nobody_can_be_asked(nobody):
    run = runs.create(config())
    enter(run, "Waiting", "a-job")
    runs.write_status(run.path, replace(runs.signed(now(run).status, "training"), host="elsewhere"))
    with pytest.raises(Unreachable):
        nobody(f"http://127.0.0.1:{free_port()}").kill(now(run))
    assert now(run).state == "training" and now(run).stop_requested


def test_a_run_of_this_machine_is_ended_as_ever(nobody):
    run, ended = runs.create(config()), []
    with closing(RayLauncher(f"http://127.0.0.1:{free_port()}", ended.append)) as launcher:
        launcher.kill(run)
    assert ended == [run]


# ---------------------------------------------------------------- states


def test_a_job_waits_for_hours_and_a_process_does_not():
    waits, process = runs.create(config()), runs.create(config())
    enter(waits, "Waiting", "a-job")
    for run in (waits, process):
        runs.write_status(run.path, replace(now(run).status, heartbeat=time.time() - 7200))
    assert (now(waits).state, now(process).state) == ("queued", "interrupted")
    with pytest.raises(RunExists, match="still in training"):
        runs.delete(now(waits))


def test_a_trainer_of_another_job_leaves_the_run_alone():
    """It got its place after the run was stopped, or given to another job."""
    run = runs.create(config())
    enter(run, "Waiting", "new-job")
    before = {file.name: file.read_bytes() for file in run.path.iterdir()}
    result = train_here(run.path, "--job", "old-job")
    assert result.code == 0 and "does not wait for the job old-job any more" in result.err
    assert {file.name: file.read_bytes() for file in run.path.iterdir() if file.name != ".lock"} == before
    assert close(now(run), "old-job", "failed", "") is False
    assert hand_over(now(run), "old-job", "third-job") is False
    assert now(run).state == "queued" and now(run).status.job == "new-job"


@pytest.mark.slow
def test_a_job_stands_in_no_queue_of_this_machine(draw_once):
    """Somebody trains here, and a job waits in the cluster: neither has to do with the other."""
    from filelock import FileLock

    waiting, run, here = (runs.create(config(epochs=1)) for _ in range(3))
    enter(waiting, "Waiting", "one-job")
    enter(run, "Waiting", "another-job")
    with FileLock(run.path.parent / ".training.lock"):
        assert train_here(run.path, "--job", "another-job").code == 0
    assert now(run).state == "finished" and now(run).status.job is None
    assert train_here(here.path).code == 0, "though the job in the cluster is older in the queue"


def test_a_job_needs_a_run():
    with pytest.raises(SystemExit) as left:
        train_here("--preset", "tiny", "--job", "a-job")
    assert left.value.code == 2


def test_the_address_decides_where_runs_are_trained(monkeypatch):
    launchers.launcher.cache_clear()
    try:
        assert launchers.launcher().place().name == "this machine"
        monkeypatch.setenv("CNN_RAY_ADDRESS", f" 127.0.0.1:{free_port()} ")
        launchers.launcher.cache_clear()
        with closing(launchers.launcher()) as launcher:
            assert launcher is launchers.launcher()
            assert launcher.place().name.startswith("the Ray cluster at 127.0.0.1:")
    finally:
        launchers.launcher.cache_clear()


# ---------------------------------------------------------------- the pages


class Cluster(RecordingLauncher):
    """Stands in for a launcher of a cluster."""

    problem = ""  # that is known
    refusal = ""  # that only who starts a run comes to know

    def start(self, run):
        super().start(run)
        if self.refusal:
            enter(run, "Waiting", "a-job")
            close(run, "a-job", "failed", self.refusal)
            raise Unreachable(self.refusal)

    def place(self):
        return Place("the Ray cluster at 10.0.0.5:8265", "3 of 8 CPUs free.", self.problem, takes_turns=False)

    def waiting(self, run):
        return "Waiting for 2 CPUs of the Ray cluster, behind 3 jobs"


@pytest.fixture
def page_launcher(monkeypatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(launchers, "launcher", lambda: made)
    return made


def test_the_train_page_tells_where_it_trains_and_asks_for_resources(page_launcher):
    make_run("training", pid=1, host="elsewhere", job="other-job")
    app = open_page("New network")
    assert "Trains on the Ray cluster at" in text(app) and "3 of 8 CPUs free." in text(app)
    app.number_input(key=next(w.key for w in app.number_input if w.label == "CPUs")).set_value(4)
    app.button(key="start").click()
    assert app.button(key="start").label == "Start training", "it need not wait for the other"
    refresh(app)
    (call,) = page_launcher.calls
    assert call[0] == "start" and runs.get(call[1]).config.resources == Resources(cpus=4)


def test_the_train_page_of_this_machine_asks_for_none():
    app = open_page("New network")
    assert "Trains on this machine. One run at a time." in text(app)
    assert "CPUs" not in [widget.label for widget in app.number_input]


def test_a_start_without_a_cluster_is_a_sentence_and_can_be_done_again(page_launcher):
    page_launcher.refusal = "Nothing answers as a Ray cluster at 10.0.0.5:8265. No run is lost."
    app = open_page("New network")
    app.button(key="start").click()
    refresh(app)
    assert [each.value for each in app.error] == [plain(page_launcher.refusal)]
    page_launcher.problem = page_launcher.refusal
    refresh(app)
    assert app.button(key="start").disabled and "Nothing answers" in str([each.value for each in app.warning])
    (made,) = runs.all_runs()
    page_launcher.problem = page_launcher.refusal = ""
    app = open_page("Train", made.id)
    assert "The training failed: Nothing answers" in text(app)
    assert "Train the same network on the synthetic dataset" not in text(app), "the data are not at fault"
    app.button(key="resume").click()
    refresh(app)
    assert page_launcher.calls[-1] == ("start", made.id)


def test_a_run_that_waits_in_the_cluster_says_for_what(page_launcher):
    run = runs.create(config())
    enter(run, "Waiting for a place in the Ray cluster", "a-job")
    app = open_page("Train", run.id)
    assert "Waiting for 2 CPUs of the Ray cluster, behind 3 jobs" in str(app.get("progress")[0].proto)
    assert "a\\-job" in text(app)
