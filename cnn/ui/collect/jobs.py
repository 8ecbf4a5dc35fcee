"""Images that are being added, in the background: the work goes on while a visitor clicks, leaves or reloads.

At most one job a dataset; every visitor sees how far it is. What became of it stays until somebody has read it.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from cnn.data.changes import NotChanged
from cnn.data.dataset_editing import Added, OwnDataset
from cnn.data.image_folders import OnProgress
from cnn.errors import AtelierError, Stopped
from cnn.ui import fragments, shell

_PATIENCE = 0.7  # seconds in which short work is finished before the page is drawn
_TICK = 0.7  # seconds between two looks at the progress
_LINES = 8  # of an account, before the rest is folded away


@dataclass
class Job:
    """Work on a dataset.

    Attributes:
        what: is being done, in a few words.
        done, of: how many files are read, and how many there are; 0 of 0 before the first.
        added: what became of it; None while it goes on, or if it failed.
        problem: why it failed, a sentence; else empty.
        is_stopped: whether somebody has stopped it.
    """

    what: str
    done: int = 0
    of: int = 0
    added: Added | None = None
    problem: str = ""
    is_stopped: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def is_running(self) -> bool:
        return not self._ended.is_set()

    def report(self, done: int, of: int) -> None:
        """Keep how far it is. Raises Stopped where somebody has stopped it."""
        if self.is_stopped:
            raise Stopped
        self.done, self.of = done, of

    def run(self, work: Callable[[OnProgress], Added], at_end: Callable[[], None]) -> None:
        """Do the work, in a thread of its own."""
        try:
            self.added = work(self.report)
        except Stopped:
            self.problem = "Stopped. Nothing was added."
        except AtelierError as error:
            self.problem = str(error)
        except OSError as error:
            self.problem = f"The images cannot be kept ({error.strerror or error}). Nothing was added."
        except MemoryError:
            self.problem = "There is not enough memory for these files. Nothing was added: add fewer at once."
        finally:
            try:
                at_end()
            finally:
                self._ended.set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end, at most so long. Returns whether it has ended."""
        return self._ended.wait(seconds)


_jobs: dict[Path, Job] = {}
_lock = threading.Lock()


def begin(
    dataset: OwnDataset, what: str, work: Callable[[OnProgress], Added], at_end: Callable[[], None] = lambda: None
) -> Job:
    """Begin to add images to a dataset. Short work has ended when this returns.

    Args:
        what: is being done, in a few words.
        work: does it, and reports how far it is.
        at_end: called at its end, however it ends.

    Raises:
        NotChanged: images are being added to this dataset already.
    """
    job = Job(what)
    with _lock:
        before = _jobs.get(dataset.path)
        if before is not None and before.is_running:
            at_end()
            raise NotChanged("Images are being added to this dataset already: wait until that is done, or stop it.")
        _jobs[dataset.path] = job
    threading.Thread(target=job.run, args=(work, at_end), name="add images", daemon=True).start()
    job.wait(_PATIENCE)
    return job


def of(dataset: OwnDataset) -> Job | None:
    """The job of a dataset: the one that goes on, or the last one until it is dismissed."""
    return _jobs.get(dataset.path)


def dismiss(dataset: OwnDataset) -> None:
    """Forget what became of a dataset's last job."""
    with _lock:
        job = _jobs.get(dataset.path)
        if job is not None and not job.is_running:
            del _jobs[dataset.path]


def counted(files: Iterable[tuple[str, bytes]], of: int, report: OnProgress) -> Iterator[tuple[str, bytes]]:
    """Files as they are read, reported one by one."""
    for done, file in enumerate(files):
        report(done, of)
        yield file


def show(dataset: OwnDataset, place: str) -> None:
    """Draw the progress of a dataset's job with a Stop button, or what became of it.

    Args:
        place: tells apart the places of a page where it is drawn.
    """
    job = of(dataset)
    if job is None:
        return
    if job.is_running:
        fragments.fragment(_progress, run_every=_TICK)(dataset, place)
    else:
        account(job, dataset, place)


def _progress(dataset: OwnDataset, place: str) -> None:
    job = of(dataset)
    if job is None or not job.is_running:
        st.rerun()
    share = job.done / job.of if job.of else 0.0
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, share), text=f"{job.what}: {job.done:,} of {job.of:,}" if job.of else f"{job.what}…")
        if st.button("Stop", icon=":material/stop:", key=f"stop_job-{place}", help="Nothing of it is added then."):
            job.is_stopped = True


def account(job: Job, dataset: OwnDataset, place: str) -> None:
    """Say what became of a job: what was added to each class, what was skipped, and why."""
    lines = [job.problem] if job.added is None else job.added.lines()
    good = job.added is not None and bool(job.added.added)
    icon = ":material/check_circle:" if good else ":material/info:"
    box = st.success if good and not job.added.skipped else st.warning if good or not job.is_stopped else st.info
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        with st.container(width="stretch"):
            box("  \n".join(map(shell.plain, lines[:_LINES])), icon=icon)
            if len(lines) > _LINES:
                with st.expander(f"{len(lines) - _LINES} more lines"):
                    st.markdown("  \n".join(map(shell.plain, lines[_LINES:])))
        st.button(
            "Dismiss",
            icon=":material/close:",
            type="tertiary",
            key=f"dismiss-{place}",
            on_click=dismiss,
            args=(dataset,),
        )
