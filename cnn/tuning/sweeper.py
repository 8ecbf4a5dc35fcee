"""Drives a sweep from its first trial to its last.

It asks Optuna for the values of a trial, makes an ordinary run of them, gives it to the launcher, follows the accuracy
on the validation images in its metrics, and tells Optuna what came of it. It trains nothing itself and loads no
TensorFlow. Whenever it is killed, its runs go on by themselves, and what it has written down is enough to go on from
without asking for anything twice: first `trials.json`, which is the truth, then Optuna's journal.
"""

import errno
import math
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout

from cnn import runs
from cnn.config import RunConfig, counted, explain, versions
from cnn.errors import AtelierError, CannotGoOn, Stopped
from cnn.runs import Run, RunExists, State, launchers
from cnn.runs.worker import close, complain, failure, say
from cnn.tuning import sweeps
from cnn.tuning.hyperparameters import Scalar, apply
from cnn.tuning.sweep_config import SweepConfig
from cnn.tuning.sweeps import Sweep
from cnn.tuning.trials import ENDED, Trial, TrialState

if TYPE_CHECKING:
    import optuna


_POLL = 0.5  # seconds between two looks at the runs
_BEAT = 2.0  # seconds between two signs of life
_GRACE = 3.0  # seconds that a killed process may take until its lock is free
_PATIENCE = 120.0  # seconds that runs may take to stop
_AGAIN = 10.0  # seconds between two attempts to start a run where nothing answers
_REPEATS = 50  # draws in a row of values that have been tried, after which there are no others to be expected
_ALIKE = 3  # trials in a row that fail with one message, with which a sweep ends that nothing has come of
_COMPARED = 3  # finished trials before any is compared with their median
_RESTARTS = 1  # of a run whose process is lost
interrupted = threading.Event()  # by a signal


_complain = partial(complain, "cnn.sweep")


def drive(folder: Path) -> int:
    """Drive the sweep in a folder to its end. Returns the exit code: 0 finished or stopped, 1 failed, 2 no sweep."""
    try:
        with FileLock(folder / ".lock", timeout=_GRACE):
            sweep = sweeps.read(folder)
            if sweep is None or sweep.config is None:
                _complain(f"{folder} is no sweep. {sweep.message if sweep else ''}".rstrip())
                return 2
            if sweep.state == "finished":
                _complain(f"{sweep.name} is already finished.")
                return 0
            code = _guarded(sweep)
    except Timeout:
        _complain(f"{folder} is already driven by another process.")
        return 1
    except OSError as error:
        _complain(failure(error, folder, "the sweep"))
        return 1
    say(str(folder))
    return code


def _guarded(sweep: Sweep) -> int:
    """Drive a sweep; every way out leaves a status that tells the story."""
    driven = _Driven(sweep.path, sweep.config, sweeps.stored_status(sweep.path))
    try:
        driven.drive()
        driven.close("finished", _tally(driven.trials))
        return 0
    except Stopped:
        driven.close("stopped", "Stopped by request.")
        return 0
    except Exception as error:
        message = failure(error, sweep.path, "the sweep")
    _complain(message)
    driven.close("failed", message)
    return 1


def _tally(trials: list[Trial]) -> str:
    """ "12 trials: 9 finished, 3 stopped early." """
    counts = [(sum(trial.state == state for trial in trials), state) for state in ENDED]
    parts = ", ".join(f"{count} {state}" for count, state in counts if count)
    return f"{counted(len(trials), 'trial')}: {parts}."


def _rest() -> None:
    """Let time pass between two looks; a signal ends it."""
    interrupted.wait(_POLL)


class _Driven:
    """A sweep that this process drives."""

    def __init__(self, path: Path, config: SweepConfig, status: runs.Status):
        self.path = path
        self.config = config
        self.trials: list[Trial] = []
        self._status = status
        self._importance: dict[str, float] = {}
        self._spent = status.seconds  # in earlier sessions
        self._begun = time.monotonic()
        self._told = -math.inf  # when the status was last written
        self._unstarted: dict[int, float] = {}  # trials whose runs are to be started, and when that was last tried
        self._exhausted = False  # nothing is proposed that has not been tried
        self._said = ""  # what the page is to know of it

    # --- from its first trial to its last -------------------------------------------------------------------------

    def drive(self) -> None:
        """Go on until every trial has ended.

        Raises:
            Stopped: by request; the runs have stopped too.
            CannotGoOn, OSError: what is written down is whole, and the runs go on by themselves.
        """
        self._beat("Loading Optuna")
        self.trials = sweeps.stored_trials(self.path)
        self._study = _study(self.path, self.config)
        self._take_up()
        while True:
            for trial in self._open():
                self._follow(trial)
            self._heed_stop()
            self._fill()
            if not self._open():
                return
            self._beat()
            _rest()

    def close(self, state: State, message: str) -> None:
        """Write the last status."""
        self._status = replace(self._status, seconds=self._seconds())
        close(self.path, self._status, state, message)
        with suppress(OSError):
            (self.path / "stop").unlink(missing_ok=True)
        say(message)

    def _open(self) -> list[Trial]:
        return [trial for trial in self.trials if not trial.ended]

    def _seconds(self) -> float:
        return self._spent + time.monotonic() - self._begun

    def _beat(self, loading: str = "") -> None:
        """A sign of life, every few seconds."""
        if not self.path.is_dir():
            raise FileNotFoundError(errno.ENOENT, "deleted", str(self.path))
        now = time.monotonic()
        if now - self._told >= _BEAT or loading or self._said != self._status.message:
            self._told = now
            state: State = "starting" if loading else "training"
            self._status = replace(self._status, seconds=self._seconds())
            self._status = runs.signed(self._status, state, loading or self._said)
            runs.write_status(self.path, self._status)

    def _heed_stop(self) -> None:
        """End with all runs stopped, if somebody asked for it. What has not ended then, the next session goes on with.

        Raises:
            Stopped: somebody did.
        """
        if not (interrupted.is_set() or (self.path / "stop").exists()):
            return
        interrupted.clear()  # or there would be no rest any more
        self._said = "Stopping its runs"
        for trial in self._open():
            run = sweeps.run_of(trial)
            if run is not None and run.active:
                with suppress(RunExists):
                    launchers.launcher().stop(run)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            going = False
            for trial in self._open():
                run = sweeps.run_of(trial)
                if run is None or run.state == "finished" or trial.unpromising:
                    self._follow(trial)
                elif trial.number not in self._unstarted:
                    self._note(trial, run)
                going = going or (run is not None and run.active)
            if not going:
                break
            self._beat()
            _rest()
        raise Stopped

    # --- writing down, and telling Optuna -------------------------------------------------------------------------

    def _put(self, trial: Trial) -> Trial:
        """Write down how a trial stands."""
        self.trials[trial.number - 1 : trial.number] = [trial]
        sweeps.write_trials(self.path, self.trials, self._importance)
        return trial

    def _end(self, trial: Trial, state: TrialState, message: str = "") -> None:
        """Write down how a trial has ended, then tell Optuna."""
        if state == "finished" and trial.accuracy is None:
            state, message = "failed", "It has finished without an accuracy on the validation images."
        trial = self._put(replace(trial, state=state, message=message))
        accuracy = f", validation accuracy {trial.accuracy:.4f}" if trial.accuracy is not None else ""
        say(f"#{trial.number} {trial.words}: {state}{accuracy}. {message}".rstrip())
        self._unstarted.pop(trial.number, None)
        _tell(self._study, trial.asked, trial)
        if state == "finished":
            self._importance = _importance(self._study, self.config)
            self._put(trial)
        ended = [trial for trial in self.trials if trial.ended]
        last = ended[-_ALIKE:]
        if (
            len(last) == _ALIKE
            and all(trial.state == "failed" and trial.message == message for trial in last)
            and not any(trial.accuracy for trial in self.trials)
        ):
            raise CannotGoOn(f"{_ALIKE} trials in a row failed alike, and none has learned anything. {message}")

    # --- a trial's run --------------------------------------------------------------------------------------------

    def _follow(self, trial: Trial) -> None:
        """Look at the run of a trial that has not ended, and do what has to be done."""
        run = sweeps.run_of(trial)
        if run is None or (run.state == "damaged" and not run.path.is_dir()):
            self._end(trial, "stopped", "Its run was deleted.")
            return
        if trial.number in self._unstarted:
            self._start(trial, run)
            return
        trial = self._note(trial, run)
        if trial.unpromising and run.active and not run.stop_requested:
            with suppress(OSError, RunExists):  # it is asked again at the next look
                launchers.launcher().stop(run)
        elif run.state == "finished":
            self._end(trial, "finished")
        elif trial.unpromising and not run.active:
            self._end(trial, "stopped early", _UNPROMISING.format(trial.epoch))
        elif run.state == "stopped":
            self._end(trial, "stopped", "Its run was stopped by hand.")
        elif run.state == "interrupted" and trial.restarts < _RESTARTS:
            self._put(replace(trial, restarts=trial.restarts + 1))
            self._unstarted[trial.number] = -math.inf
        elif not run.active:
            self._end(trial, "failed", run.status.message)

    def _note(self, trial: Trial, run: Run) -> Trial:
        """Write down what a run has learned since the last look, and whether it is worth going on."""
        curve = runs.validation_curve(run)
        state = "training" if run.state in ("starting", "training", "paused", "finished") else trial.state
        if len(curve) <= len(trial.curve) and state == trial.state and run.active:
            return trial
        unpromising = trial.unpromising
        if len(curve) > len(trial.curve):
            asked = _asked(self._study, trial.asked)
            for epoch in range(len(trial.curve) + 1, len(curve) + 1):
                with warnings.catch_warnings(action="ignore"):  # the session before may have reported it
                    asked.report(curve[epoch - 1], epoch)
            is_last = len(curve) >= run.config.training.epochs
            unpromising |= self.config.prune and run.active and not is_last and bool(asked.should_prune())
        return self._put(
            replace(
                trial,
                state=state,
                curve=curve if len(curve) >= len(trial.curve) else trial.curve,
                seconds=max(run.status.seconds, trial.seconds),
                unpromising=unpromising,
            )
        )

    def _start(self, trial: Trial, run: Run) -> None:
        """Give a run to the launcher; where nothing answers, it is tried again later."""
        if time.monotonic() - self._unstarted[trial.number] < _AGAIN:
            return
        self._unstarted[trial.number] = time.monotonic()
        try:
            launchers.launcher().start(run)
        except AtelierError as error:
            if _can_start(runs.read(run.path)):  # else somebody was faster
                self._said = str(error)
                return
        self._said = ""
        del self._unstarted[trial.number]

    # --- the next trial -------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Begin trials until as many are open as the configuration allows."""
        while len(self._open()) < self.config.at_once and len(self.trials) < self.config.planned:
            if self._exhausted:
                return
            for _ in range(_REPEATS):
                # A sampler of its own for each trial: what it draws does not depend on where a sweep was interrupted.
                self._study.sampler = _sampler(self.config, len(self._study.get_trials(deepcopy=False)))
                if self._take(self._study.ask()):
                    break
            else:
                self._exhausted = True

    def _take(self, asked: "optuna.Trial") -> bool:
        """Make a trial of what Optuna proposes. Returns whether it has not been tried before."""
        values = _suggested(asked, self.config)
        for trial in self.trials:
            if trial.values == values:  # trained once more, it would come to the same
                _tell(self._study, asked.number, trial)
                return False
        self._make(self._put(Trial(len(self.trials) + 1, values, asked=asked.number)))
        return True

    def _make(self, trial: Trial, may_exist: bool = False) -> None:
        """Make the run of a trial and start it. may_exist: an earlier sweeper may have made it and not noted it."""
        try:
            config = apply(self.config.base, trial.values)
        except ValueError as error:  # between the ends of its range, which were tried
            self._end(trial, "failed", explain(error))
            return
        run = (self._orphan(config, trial) if may_exist else None) or runs.create(
            config, sweeps.run_name(self.config, trial)
        )
        with suppress(runs.UnknownRun):  # whoever deletes it in this moment is noticed at the next look
            runs.relabel(run, tags=[self.config.tag] if self.config.tag else [])
        trial = self._put(replace(trial, run_id=run.id))
        self._unstarted[trial.number] = -math.inf
        say(f"#{trial.number} {trial.words}: {run.path}")
        self._start(trial, run)

    def _orphan(self, config: RunConfig, trial: Trial) -> Run | None:
        """A run that was made in the moment in which the sweeper was killed."""
        taken = {trial.run_id for trial in self.trials}
        for run in runs.all_runs():
            untouched = run.state in ("queued", "interrupted") and run.status.pid is None and run.status.job is None
            named = sweeps.is_named_by(run, self.config, trial)
            if untouched and named and run.id not in taken and run.config == config:
                return run
        return None

    def _take_up(self) -> None:
        """Bring together what was written down, what Optuna knows, and what has become of the runs."""
        for values in self.config.grid()[len(self._study.get_trials(deepcopy=False)) :]:
            self._study.enqueue_trial(values)
        known = {trial.asked: trial for trial in self.trials}
        for number in _running(self._study):
            if number not in known:  # killed before it was written down
                self._take(_asked(self._study, number))
            elif known[number].ended:
                _tell(self._study, number, known[number])
        for trial in self._open():
            run = sweeps.run_of(trial)
            if trial.run_id is None:
                self._make(trial, may_exist=True)
            elif run is not None and not trial.unpromising and _can_start(run):
                self._unstarted.setdefault(trial.number, -math.inf)


def _can_start(run: Run) -> bool:
    """Whether a run waits for being started, for the first time or again."""
    status = run.status
    is_new = run.state == "queued" and status.pid is None and status.job is None and not status.message
    return is_new or run.state in runs.RESUMABLE


_UNPROMISING = "After epoch {}, its validation accuracy was below the median of the trials before it."


# --- Optuna -----------------------------------------------------------------------------------------------------


def _study(path: Path, config: SweepConfig) -> "optuna.Study":
    """The study that a sweep's journal holds, or a new one."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = path / "journal.log"
    written = journal.read_bytes() if journal.exists() else b""
    if (renamed := versions.renamed_paths(written)) != written:  # by version 1: Optuna goes by the names
        runs.write_text(journal, renamed.decode())
    for lock in path.glob("journal.log.lock*"):  # of a killed process: this one alone holds the sweep's own lock
        lock.unlink(missing_ok=True)
    epochs = config.base.training.epochs
    return optuna.create_study(
        study_name="sweep",
        storage=JournalStorage(JournalFileBackend(str(journal))),
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_COMPARED, n_warmup_steps=math.ceil(epochs / 3)),
        load_if_exists=True,
    )


def _sampler(config: SweepConfig, number: int) -> "optuna.samplers.BaseSampler":
    import optuna

    seed = int(np.random.SeedSequence([config.seed, number]).generate_state(1)[0])
    if config.method == "optuna":
        # The first quarter at random, to have something to choose from.
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=min(10, max(4, config.trials // 4)))
    return optuna.samplers.RandomSampler(seed=seed)  # of a grid, every value is set beforehand


def _suggested(asked: "optuna.Trial", config: SweepConfig) -> dict[str, Scalar]:
    """The values that Optuna proposes for a trial."""
    values: dict[str, Scalar] = {}
    for setting in config.settings:
        if not setting.is_range:
            values[setting.path] = asked.suggest_categorical(setting.path, setting.values)
        elif config.is_whole(setting):
            values[setting.path] = asked.suggest_int(setting.path, int(setting.low), int(setting.high), log=setting.log)
        else:
            # Two or three digits more than matter: what is shown is what was trained.
            drawn = asked.suggest_float(setting.path, float(setting.low), float(setting.high), log=setting.log)
            values[setting.path] = min(max(float(f"{drawn:.4g}"), setting.low), setting.high)
    return values


def _asked(study: "optuna.Study", number: int) -> "optuna.Trial":
    """The trial with this number, which a session before may have asked for."""
    import optuna

    frozen = study.get_trials(deepcopy=False)[number]
    return optuna.trial.Trial(study, frozen._trial_id)


def _running(study: "optuna.Study") -> list[int]:
    """The numbers of the trials of which Optuna has not been told an end."""
    import optuna

    return [trial.number for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))]


def _tell(study: "optuna.Study", number: int, trial: Trial) -> None:
    """Tell Optuna how the trial of this number has ended. An end that it knows stays as it is."""
    from optuna.trial import TrialState as Told

    match trial.state:
        case "finished":
            study.tell(number, trial.accuracy, skip_if_finished=True)
        case "stopped early" | "stopped":
            study.tell(number, state=Told.PRUNED, skip_if_finished=True)
        case _:
            study.tell(number, state=Told.FAIL, skip_if_finished=True)


def _importance(study: "optuna.Study", config: SweepConfig) -> dict[str, float]:
    """How much of the difference in accuracy comes from each setting; empty where that cannot be told."""
    import optuna

    if len(config.settings) < 2:
        return {}
    try:
        with warnings.catch_warnings(action="ignore"):
            shares = optuna.importance.get_param_importances(study)
    except (ValueError, RuntimeError):  # too few trials, or all alike
        return {}
    return {path: float(share) for path, share in shares.items() if math.isfinite(share) and share >= 0}
