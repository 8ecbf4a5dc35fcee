"""Trains runs in a Ray cluster: each run is a job of the Jobs API that Ray's dashboard serves.

A job starts `python -m cnn.train RUN_DIR --job ID` on whichever machine has what the run asks for; Ray keeps the queue.
The runs folder is on storage that every machine has under the same path, and all that a training says, it says there.
The package `cnn` travels with the job, so that the same code trains wherever it runs.

A thread looks at the cluster every few seconds, so no page waits for it, and closes runs whose jobs ended without a
word. `ray` is imported in that thread, or when the first run is started: without it, or without an answer, there is a
sentence instead of a cluster.
"""

import contextlib
import logging
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cnn.config import Resources, counted
from cnn.runs.directory import PROJECT, all_runs, read
from cnn.runs.queue import Place, Unreachable, close, enter, hand_over
from cnn.runs.requests import request_stop
from cnn.runs.run import Run, RunExists, log_tail
from cnn.runs.status import RESUMABLE

_EVERY = 3.0  # seconds between two looks at the cluster
_ANSWER = (3.0, 8.0)  # seconds until somebody must be there, and until there must be an answer
_SETTLES = 3.0  # seconds after the end of a job until its run's files count as seen everywhere
_UNKNOWN = 60.0  # seconds after which the cluster must know the job of a run that was queued
_KEPT = 3600.0  # seconds that the cluster keeps a job of ours which has ended: its story is in the run's folder
_END = 15.0  # seconds that a job may take to end
_STOP_SIGNALS = {"RAY_JOB_STOP_WAIT_TIME_S": "10"}  # seconds between asking a job to end and ending it
_MARK = "cnn_run"  # in a job's metadata: the run's folder
_GONE = "Its process in the Ray cluster is gone: killed, out of memory, or its machine was switched off."


@dataclass(frozen=True)
class _View:
    """The cluster as it was at the last look.

    jobs: by id, of everybody. machines: free and all of each machine's resources by name, such as CPU, where known.
    """

    problem: str = ""
    looked: bool = False
    jobs: dict[str, Any] = field(default_factory=dict)
    machines: tuple[dict[str, tuple[float, float]], ...] = ()

    def total(self, resource: str) -> tuple[int, int]:
        """How much of a resource is free, and how much there is."""
        found = [machine.get(resource, (0.0, 0.0)) for machine in self.machines]
        return int(sum(free for free, _ in found)), int(sum(total for _, total in found))

    def fits(self, asked: Resources) -> bool:
        """Whether one machine has so much, were it idle; True where that is not known."""
        return not self.machines or any(
            machine.get("CPU", (0, 0))[1] >= asked.cpus and machine.get("GPU", (0, 0))[1] >= asked.gpus
            for machine in self.machines
        )


class RayLauncher:
    """Trains in the Ray cluster whose dashboard has this address, such as http://10.0.0.5:8265.

    end_here: ends a run that no job trains but a process of this machine, started on the command line.
    """

    def __init__(self, address: str, end_here: Callable[[Run], None]) -> None:
        address = address.strip().rstrip("/")
        self._address = address if "://" in address else f"http://{address}"
        # With its scheme, a page would make it a link to Ray's own pages.
        self._name = self._address.partition("://")[2]
        self._end_here = end_here
        self._connected: Any = None
        self._view = _View()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="ray").start()

    def close(self) -> None:
        """Look at the cluster no longer; its jobs go on."""
        self._closed.set()

    # --- what a launcher does -----------------------------------------------------------------------------------

    def start(self, run: Run) -> None:
        job = _new_id(run)
        before = enter(run, "Waiting for a place in the Ray cluster", job)
        try:
            self._submit(run, job)
        except Unreachable as error:
            if before.state in RESUMABLE:
                close(run, job, before.state, before.status.message)
            else:
                close(run, job, "failed", str(error))
            raise

    def stop(self, run: Run) -> None:
        request_stop(run)
        run = read(run.path)
        if run.status.job is None or run.status.pid is not None:
            return
        # It waits. Ray ends a waiting job only once it has a place: its trainer then finds that nobody waits for it.
        job = run.status.job
        close(run, job, "stopped", "Stopped by request.")
        threading.Thread(target=self._stop_job, args=[job], daemon=True).start()

    def kill(self, run: Run) -> None:
        job = read(run.path).status.job
        if job is None:
            self._end_here(run)
            return
        with contextlib.suppress(OSError):  # a full disk must not keep it alive
            self.stop(run)
        with self._reached():
            client = self._client()
            if job not in {known.submission_id for known in client.list_jobs()}:
                has_ended = True  # with the cluster that it belonged to
            else:
                client.stop_job(job)
                end = time.monotonic() + _END
                while not (has_ended := client.get_job_status(job).is_terminal()) and time.monotonic() < end:
                    time.sleep(0.2)
        if has_ended:
            close(run, job, "interrupted", _GONE)

    def place(self) -> Place:
        name, view = f"the Ray cluster at {self._name}", self._view
        if view.problem or not view.looked:
            return Place(name, "" if view.looked else "Asking how full it is.", view.problem, takes_turns=False)
        text = ""
        for resource in ("CPU", "GPU"):
            free, total = view.total(resource)
            text += f"{free} of {total} {resource}s free, " if total else ""
        running, waiting = (sum(str(job.status) == state for job in view.jobs.values()) for state in _ACTIVE)
        return Place(name, f"{text}{counted(running, 'job')} running, {waiting} waiting.", takes_turns=False)

    def waiting(self, run: Run) -> str:
        job, view = run.status.job, self._view
        if run.state != "queued" or job is None or run.config is None:
            return ""
        if view.problem:
            return view.problem
        asked = run.config.resources
        wanted = f"{asked.cpus} CPU{'s' * (asked.cpus > 1)}"
        wanted += f" and {asked.gpus} GPU{'s' * (asked.gpus > 1)}" if asked.gpus else ""
        if not view.fits(asked):
            return f"No machine of the Ray cluster has {wanted}: stop the run, and ask for less in a new one"
        mine = view.jobs.get(job)
        if mine is None:
            return "Waiting for a place in the Ray cluster"
        if str(mine.status) != "PENDING":
            return "The Ray cluster has a place for it: its process begins"
        before = sum(
            str(other.status) == "PENDING" and (other.start_time or 0) < (mine.start_time or 0)
            for other in view.jobs.values()
        )
        behind = f", behind {counted(before, 'job')}" if before else ""
        return f"Waiting for {wanted} of the Ray cluster{behind}"

    # --- the cluster --------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """Turn whatever the client's libraries raise into one error with a sentence."""
        try:
            yield
        except Unreachable:
            raise
        except OSError as error:  # requests' errors are of this kind too
            self._connected = None
            raise Unreachable(
                f"Nothing answers as a Ray cluster at {self._name}. Start it, or correct CNN_RAY_ADDRESS and restart"
                " the dashboard; no run is lost."
            ) from error
        except Exception as error:  # the client's own, those of its version check, and those of the network's libraries
            self._connected = None
            reason = str(error).strip().split("\n")[0][:300] or type(error).__name__
            raise Unreachable(f"The Ray cluster at {self._name} refused: {reason}") from error

    def _client(self) -> Any:
        """The client of the Jobs API. It has checked that the cluster's version fits.

        Raises:
            Unreachable: there is no such cluster, or `ray` is not installed.
        """
        if not self._address.startswith(("http://", "https://")):
            raise Unreachable(
                f"CNN_RAY_ADDRESS is {self._address}: give the address of the dashboard of a Ray cluster, such as "
                "http://10.0.0.5:8265, and restart this one."
            )
        if self._connected is None:
            with self._reached():
                self._connected = _client_class()(self._address)
        return self._connected

    def _submit(self, run: Run, job: str) -> None:
        asked = run.config.resources
        threads = {"TF_NUM_INTRAOP_THREADS": str(asked.cpus), "OMP_NUM_THREADS": str(asked.cpus)}
        hidden = {} if asked.gpus else {"CUDA_VISIBLE_DEVICES": "-1"}
        # "/*" would exclude the folder itself. Whatever else lies here stays here, secrets above all.
        others = [f"/{path.name}" for path in PROJECT.iterdir() if path.name != "cnn"]
        with self._reached():
            self._client().submit_job(
                entrypoint=_command(run, job),
                submission_id=job,
                entrypoint_num_cpus=asked.cpus,
                entrypoint_num_gpus=asked.gpus,
                metadata={_MARK: str(run.path), "job_name": run.name},
                runtime_env={
                    "working_dir": str(PROJECT),
                    "excludes": [*others, "/cnn/pretrained", "__pycache__"],
                    "env_vars": {"CNN_RUNS": str(run.path.parent), **threads, **hidden, **_STOP_SIGNALS},
                },
            )

    def _stop_job(self, job: str) -> None:
        with contextlib.suppress(Unreachable), self._reached():
            self._client().stop_job(job)

    # --- what goes on there -------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._closed.is_set():
            try:
                self._look()
            except Unreachable as error:
                self._view = _View(str(error), looked=True)
            except Exception:  # the next look may do better; without this one, no run would ever be looked after again
                logging.getLogger(__name__).exception("The Ray cluster at %s could not be looked at.", self._address)
            self._closed.wait(_EVERY)

    def _look(self) -> None:
        began = time.time()
        with self._reached():
            client = self._client()
            jobs = {job.submission_id: job for job in client.list_jobs() if job.submission_id}
            self._view = _View("", True, jobs, _machines(client))
        for run in all_runs():
            if run.status.job is not None:
                with contextlib.suppress(OSError, RunExists):  # next time
                    self._settle(run, jobs.get(run.status.job), began)
        for job in jobs.values():
            if _MARK in (job.metadata or {}) and job.end_time and began - job.end_time / 1000 > _KEPT:
                with contextlib.suppress(Unreachable), self._reached():  # another dashboard may have been faster
                    client.delete_job(job.submission_id)

    def _settle(self, run: Run, job: Any, began: float) -> None:
        """Close a run whose job has ended without the trainer saying so. job: None where the cluster knows none."""
        waits = run.status.pid is None
        if job is None:
            if waits and began - run.status.created > _UNKNOWN:
                message = "The Ray cluster does not know its job: it was started again since."
                close(run, run.status.job, "interrupted", message)
            return  # of a training, the heartbeat tells
        if not job.end_time or began - job.end_time / 1000 < _SETTLES:
            return
        outcome = str(job.status)
        if outcome == "STOPPED" and waits:
            close(run, job.submission_id, "stopped", "Its job was stopped in the Ray cluster.")
        elif outcome == "FAILED" and waits and str(job.error_type or "").endswith("START_TIMEOUT"):
            self._queue_again(run, job.submission_id)
        elif outcome == "FAILED" and waits and job.driver_exit_code in (1, 2, 126, 127):
            message = f"Its job ended before the training began: {self._last_words(run, job)}"
            close(run, job.submission_id, "failed", message)
        elif outcome == "FAILED" and waits and job.driver_exit_code is None:
            close(run, job.submission_id, "failed", f"The Ray cluster could not start it: {_first(job)}")
        elif outcome == "FAILED" and job.driver_exit_code not in (0, 1, 2):  # with these the trainer has said it
            close(run, job.submission_id, "interrupted", _GONE)

    def _queue_again(self, run: Run, job: str) -> None:
        """Submit a run again whose job has waited for so long that Ray gave it up."""
        again = _new_id(run)
        if hand_over(run, job, again):
            try:
                self._submit(run, again)
            except Unreachable as error:
                close(run, again, "failed", str(error))
                raise

    def _last_words(self, run: Run, job: Any) -> str:
        """The last line that a job printed which could not begin. What only the cluster has of it goes into the log."""
        if not log_tail(run, 1):
            with contextlib.suppress(Unreachable), self._reached():
                printed = self._client().get_job_logs(job.submission_id)
                with (run.path / "log.txt").open("a", encoding="utf-8") as log:
                    log.write(printed)
        return log_tail(run, 1).strip()[:300] or _first(job)


_ACTIVE = ("RUNNING", "PENDING")  # states of a job


def _first(job: Any) -> str:
    return (job.message or "it does not say why.").strip().split("\n")[0][:300]


def _new_id(run: Run) -> str:
    return f"{run.id}-{secrets.token_hex(4)}"


def _command(run: Run, job: str) -> str:
    """What a job does: `exec`, so that it is the trainer itself that is stopped and whose end is told."""
    log = shlex.quote(str(run.path / "log.txt"))
    return f"exec python -m cnn.train {shlex.quote(str(run.path))} --job {shlex.quote(job)} >> {log} 2>&1"


def _machines(client: Any) -> tuple[dict[str, tuple[float, float]], ...]:
    """Free and all resources of each machine, as Ray's own pages show them; nothing where it does not say."""
    try:
        status = client._do_request("GET", "/api/cluster_status").json()["data"]["clusterStatus"]
        machines = status["loadMetricsReport"]["usageByNode"].values()
        return tuple(
            {name: (usage[name][1] - usage[name][0], usage[name][1]) for name in ("CPU", "GPU") if name in usage}
            for usage in machines
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError):  # it is no part of the documented interface
        return ()


@cache
def _client_class() -> type:
    """Ray's client, which would wait for an answer for ever, with an end to its patience."""
    try:
        from ray.job_submission import JobSubmissionClient
    except ImportError as error:
        raise Unreachable(
            "CNN_RAY_ADDRESS names a Ray cluster, but the package ray is not installed here: pip install "
            "'ray[default]', the cluster's version, and restart the dashboard."
        ) from error

    for name in ("ray", *(kind.__module__ for kind in JobSubmissionClient.__mro__)):  # each start is told in ten lines
        logging.getLogger(name).setLevel(logging.ERROR)

    class Client(JobSubmissionClient):
        def _do_request(self, *arguments: Any, **options: Any) -> Any:
            return super()._do_request(*arguments, **{"timeout": _ANSWER, **options})

    return Client
