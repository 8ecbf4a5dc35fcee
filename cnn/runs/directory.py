"""The run directory: where a training lives, and all that the dashboard and the trainer say to each other.

    runs/20261122-101530-fast/
      config.json      the RunConfig; written once, never changed
      label.json       name, tags and note that people gave the run, and whether it is hidden; changed at any time
      status.json      state, process, progress; replaced atomically by the trainer
      metrics.jsonl    one JSON object a line, appended by the trainer
      summary.json     what a list of runs shows of the metrics: best epoch and a short curve; replaced at each epoch
      log.txt          what the trainer printed, when the dashboard started it
      stop             exists once somebody has asked the trainer to stop
      requests.jsonl   what else the trainer is asked to do: pause, continue, make one step, change the learning rate
      dataset.json     which images of a dataset of your own the training began with
      checkpoint.npz   the whole state of the training, at most two minutes old; gone when the run has finished
      best.keras       with early stopping, the network of the best epoch; gone when the run has finished
      model.keras      the network after the last whole epoch, or the best one with early stopping; float32
      lapse/           each epoch's kernels, feature maps of one image and confusion matrix, and its weights
      tensorboard/     the curves as event files, where the configuration asks for them
      evaluation.json  accuracy and loss on the test images
      examples.npz     some test images with the network's answers
      reference.npz    some training images, to compare others with
      pictures.npz     readings of your labelled images, where some are mixed in
      pictures.json    what became of every file in your folders
      found/           what was computed about the network at length, first its predictions of the test images
      environment.json versions and devices

Shipped models are directories of the same kind under `cnn/pretrained/`, read-only. Nothing here trains, draws or
imports TensorFlow; whoever reads a run that another program wrote badly gets a `Run` whose `problem` says so.
"""

import contextlib
import os
import re
import stat
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cnn.config import RunConfig, explain
from cnn.runs.files import (
    NotText,
    Version,
    checked,
    decoded,
    files_in,
    read_json,
    unless_unsettled,
    version_of,
    write_json,
)
from cnn.runs.run import Run, RunExists, Summary, UnknownRun
from cnn.runs.status import Status, is_alive, write_status

DEFAULT_ID = "wardrobe"
COLOUR_ID = "photos"  # which sees colours
MAX_TAGS = 12  # of a run
MAX_TAG = 24  # characters
MAX_NOTE = 2000  # characters

PROJECT = Path(__file__).resolve().parents[2]
PRETRAINED = PROJECT / "cnn" / "pretrained"
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


# --- finding and reading ----------------------------------------------------------------------------------------


def root() -> Path:
    """The folder that holds the user's runs: `$CNN_RUNS`, or `runs/` in the project."""
    return Path(os.environ.get("CNN_RUNS") or PROJECT / "runs").expanduser().resolve()


def get(run: str | Path) -> Run:
    """Read one run by its id, the user's before a shipped one.

    Raises:
        UnknownRun: there is none, or the text is not an id. An id can never name a place outside the runs folder.
    """
    text = str(run)
    if not ID.fullmatch(text):
        raise UnknownRun(f"{text[:80]!r} is not a run's id: ids have lower-case letters, digits and hyphens.")
    for folder in (root(), PRETRAINED):
        if (folder / text).is_dir() and not (folder / text).is_symlink():
            return read(folder / text)
    raise UnknownRun(f"There is no run {text!r}; the runs folder is {root()}.")


def find(run: str) -> Run:
    """Read a run by id or by directory, for the command line.

    Raises:
        UnknownRun: neither an id nor a directory of a run.
    """
    try:
        return get(run)
    except UnknownRun:
        with contextlib.suppress(OSError, RuntimeError):  # a name too long for a file, "~nobody"
            path = Path(run).expanduser()
            if path.is_dir() and (path / "config.json").exists():
                return read(path.resolve())
        raise UnknownRun(
            f"There is no run {run!r}: give an id from {root()}, a run's directory, or one of "
            f"{', '.join(r.id for r in shipped())}."
        ) from None


def all_runs() -> list[Run]:
    """The user's runs, newest first."""
    return [read(path) for path in reversed(_directories(root()))]


def shipped() -> list[Run]:
    """The models that come with the project."""
    return [read(path) for path in _directories(PRETRAINED)]


def listed() -> list[Run]:
    """What can be looked at: the user's runs, newest first, and the shipped ones whose ids no other run has taken."""
    own = all_runs()
    taken = {run.id for run in own}
    return [*own, *(run for run in shipped() if run.id not in taken)]


def _directories(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = [e.name for e in os.scandir(folder) if ID.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
    return [folder / name for name in sorted(found)]


def read(path: Path) -> Run:
    """Read a run directory. Never raises for what is in it: a bad one comes back as damaged, with its problem.

    What was read stays in memory as long as no file of it changes: a page lists a thousand runs at each click.
    """
    files = files_in(path)
    versions = tuple(version_of(files.get(name)) for name in _READ)
    run = unless_unsettled(_read, versions)(path, path.parent == PRETRAINED, versions)
    if run.active and not is_alive(run.status):
        message = "The training process is gone: killed, out of memory, or the computer was switched off."
        run = replace(run, status=replace(run.status, state="interrupted", message=message))
    return replace(run, size=_size(path, files))


_READ = ("config.json", "label.json", "status.json", "evaluation.json", "summary.json", "model.keras")


@lru_cache(maxsize=4096)
def _read(path: Path, shipped_: bool, versions: tuple[Version | None, ...]) -> Run:
    """The run as its files have it, whatever became of its process."""
    label = read_json(path / "label.json")
    run = Run(
        path.name,
        path,
        clean_name(str(label.get("name") or "")) or path.name,
        Status("damaged"),
        shipped=shipped_,
        tags=clean_tags(label.get("tags")),
        note=clean_note(label.get("note")),
        hidden=label.get("hidden") is True,
        created=stamp(path.name),
    )
    try:
        config, parameters = _config((path / "config.json").read_bytes())
    except FileNotFoundError:
        return _damaged(run, "It has no config.json.")
    except (NotText, ValidationError) as error:
        return _damaged(run, f"Its config.json is not one of this program: {explain(error)}")
    except OSError as error:
        return _damaged(run, f"Its config.json cannot be read: {error.strerror}.")

    evaluation = read_json(path / "evaluation.json")
    measured = all(type(evaluation.get(key)) in (int, float) for key in ("n", "accuracy", "loss"))
    summary_ = checked(Summary, read_json(path / "summary.json"))
    run = replace(run, config=config, parameters=parameters, stored_summary=summary_)
    status = checked(Status, read_json(path / "status.json"))
    if status is None or status.state == "damaged":
        return _damaged(run, "Its status.json is missing or broken.")
    if status.state == "finished" and versions[_READ.index("model.keras")] is None:
        return _damaged(run, "Its model.keras is missing.")
    created = run.created or (datetime.fromtimestamp(status.created) if status.created else None)
    return replace(run, status=status, evaluation=evaluation if measured else None, created=created)


def stamp(folder: str) -> datetime | None:
    """When a folder of this name was made, in local time, as its name says; None where it does not."""
    with contextlib.suppress(ValueError):
        return datetime.strptime(folder[:15], "%Y%m%d-%H%M%S")
    return None


@lru_cache(maxsize=4096)
def _config(content: bytes) -> tuple[RunConfig, int]:
    """The configuration and the parameters of its network. Most runs share a few of them."""
    config = RunConfig.model_validate_json(decoded(content))
    return config, sum(row.parameters for row in config.rows())


def _damaged(run: Run, problem: str) -> Run:
    return replace(run, status=Status("damaged", message=problem), problem=problem)


def _size(path: Path, files: dict[str, os.stat_result]) -> int:
    """Bytes of all files in a run directory, of which `files` are on its first level."""
    folders = {name: file for name, file in files.items() if stat.S_ISDIR(file.st_mode)}
    # A training writes its status whenever it writes anything: a folder whose files grow alone would look unchanged.
    versions = (version_of(files.get("status.json")), *(file.st_mtime_ns for file in folders.values()))
    inside = _inside(path, tuple(folders), versions) if folders else 0
    return inside + sum(file.st_size for name, file in files.items() if name not in folders)


@lru_cache(maxsize=4096)
def _inside(path: Path, folders: tuple[str, ...], versions: tuple) -> int:
    """Bytes of all files in some folders of a run directory."""
    total = 0
    for folder in folders:
        for place, _, names in os.walk(path / folder):
            for name in names:
                with contextlib.suppress(OSError):
                    total += (Path(place) / name).lstat().st_size
    return total


# --- making and changing ----------------------------------------------------------------------------------------


def create(config: RunConfig, name: str = "") -> Run:
    """Make the directory of a new run, queued but not started.

    Raises:
        OSError: the runs folder cannot be written.
    """
    name = clean_name(name) or config.preset or "run"
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    path = new_folder(root(), slug)
    write_json(path / "config.json", config.model_dump(mode="json"))
    write_json(path / "label.json", {"name": name})
    now = time.time()
    write_status(path, Status("queued", created=now, heartbeat=now))
    return read(path)


def new_folder(parent: Path, slug: str = "") -> Path:
    """Make a folder named by the present second, local time, and by `slug`; with a number where that is taken.

    Raises:
        RunExists: a thousand were made in this second.
        OSError: the parent, which is made where it is missing, cannot be written.
    """
    parent.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for count in range(1, 1000):
        path = parent / "-".join(filter(None, [stamp, slug, str(count) if count > 1 else ""]))
        try:
            path.mkdir()
            return path
        except FileExistsError:
            continue
    raise RunExists(f"Too many were made in one second in {parent}.")


def clean_name(name: str) -> str:
    """A name on one line, at most 80 characters, that any file and any browser can hold."""
    return " ".join(name.encode("utf-8", "replace").decode().split())[:80]


def clean_tags(tags: Any) -> tuple[str, ...]:
    """Short texts, each of them once; what is no text, and what is too many, is passed over."""
    texts = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list | tuple) else []
    cleaned = dict.fromkeys(clean_name(tag)[:MAX_TAG].strip() for tag in texts)
    return tuple(tag for tag in cleaned if tag)[:MAX_TAGS]


def clean_note(note: Any) -> str:
    """A text of several lines, at most MAX_NOTE characters."""
    lines = note.encode("utf-8", "replace").decode().splitlines() if isinstance(note, str) else []
    return "\n".join(line.rstrip() for line in lines).strip()[:MAX_NOTE]


def relabel(
    run: Run,
    name: str | None = None,
    tags: Sequence[str] | None = None,
    note: str | None = None,
    hidden: bool | None = None,
) -> None:
    """Change what people say about a run, at any time. What is None stays as it is, and so does an empty name.

    Raises:
        UnknownRun: it was deleted in the meantime.
        RunExists: it comes with the project.
    """
    check_own(run)
    now = read(run.path)  # another window may have changed what this one leaves
    label = {
        "name": clean_name(name or "") or now.name,
        "tags": list(now.tags if tags is None else clean_tags(tags)),
        "note": now.note if note is None else clean_note(note),
        "hidden": now.hidden if hidden is None else hidden,
    }
    try:
        write_json(run.path / "label.json", label)
    except FileNotFoundError:
        raise gone(run) from None


def gone(*listed: Run) -> UnknownRun:
    those = f"{listed[0].name} is" if len(listed) == 1 else f"These {len(listed)} runs are"
    return UnknownRun(f"{those} no longer here: deleted in another window, or by another program.")


def check_own(run: Run) -> None:
    if run.shipped:
        raise RunExists(f"{run.name} comes with the project and cannot be changed.")
