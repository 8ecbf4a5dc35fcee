"""A sweep from its first trial to its last: what is tried, what is stopped early, and what a kill leaves behind."""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from cnn import runs
from cnn import sweep as command
from cnn.config import Data, RunConfig, presets
from cnn.config.layers import Convolution, Flatten, GlobalPooling, Pooling
from cnn.runs import Run, RunExists, files, launchers
from cnn.runs.queue import Unreachable
from cnn.tuning import Setting, SweepConfig, apply, sweeper, sweeps
from cnn.tuning.sweeps import Sweep
from tests.command import NO_PROCESS, wait_until
from tests.sampling import one_in

BASE = presets()["tiny"].model_copy(update={"data": Data(dataset="synthetic", limit=100)})
EPOCHS = BASE.training.epochs
RATES = Setting(path="training.learning_rate", values=(0.01, 0.001, 0.1))
SIZES = Setting(path="training.batch_size", values=(16, 32))
SHAPE = ("number", "values", "state", "curve")


def grid(*settings: Setting, **options) -> SweepConfig:
    return SweepConfig(base=BASE, method="grid", settings=settings or (RATES,), name="Three rates", **options)


def accuracy_of(config: RunConfig, epoch: int) -> float:
    """A made-up accuracy that rises, and is best at a learning rate of 0.01."""
    return round(0.9 - abs(config.training.learning_rate - 0.01) - 0.1 / epoch, 4)


class Killed(BaseException):
    """What `kill -9` is to these tests."""


class PretendLauncher:
    """Trains as quickly as the sweeper looks: at each look, every started run has learned one epoch more.

    accuracy: on the validation images after an epoch; None where the loss is no number, with which a run fails.
    """

    def __init__(self, accuracy: Callable[[RunConfig, int], float | None] = accuracy_of) -> None:
        self.accuracy = accuracy
        self.started: list[str] = []
        self.refuses: Exception | None = None
        self.at_once = 0  # the most runs that were active together
        self.each_look: Callable[[], None] = lambda: None
        self.looks = False  # what is written now, the sweeper does not write
        self._trained: list[Path] = []

    def start(self, run: Run) -> None:
        if self.refuses is not None:
            raise self.refuses
        run = runs.read(run.path)
        if run.state not in ("queued", *runs.RESUMABLE) or (run.status.pid is not None and run.active):
            raise RunExists(f"{run.name} is {run.state} and cannot be started.")
        runs.forget_requests(run.path)
        runs.write_status(run.path, runs.signed(run.status, "training"))
        self.started.append(run.id)
        self._trained.append(run.path)
        self.at_once = max(self.at_once, sum(run.active for run in runs.all_runs()))

    def stop(self, run: Run) -> None:
        runs.request_stop(run)

    def look(self) -> None:
        self.looks = True
        self.each_look()
        for path in self._trained:
            run = runs.read(path) if path.is_dir() else None
            if run is not None and run.active:
                self._learn(run)
        self.looks = False

    def _learn(self, run: Run) -> None:
        if run.stop_requested:
            runs.write_status(run.path, runs.closed(run.status, "stopped", "Stopped by request."))
            return
        epoch = run.status.epoch + 1
        value = self.accuracy(run.config, epoch)
        if value is None:
            runs.write_status(run.path, runs.closed(run.status, "failed", "The loss is no longer a number."))
            return
        values = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": value}
        with (run.path / "metrics.jsonl").open("a") as metrics:
            metrics.write(json.dumps({"kind": "epoch", "epoch": epoch, **values}) + "\n")
        status = replace(runs.signed(run.status, "training"), epoch=epoch, seconds=2.0 * epoch)
        if epoch == run.config.training.epochs:
            (run.path / "model.keras").write_bytes(b"weights")
            status = runs.closed(status, "finished")
        runs.write_status(run.path, status)


@pytest.fixture
def launcher(monkeypatch) -> PretendLauncher:
    pretended = PretendLauncher()
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    monkeypatch.setattr(launchers, "launcher", lambda: pretended)
    monkeypatch.setattr(sweeper, "_rest", pretended.look)
    monkeypatch.setattr(sweeper, "_AGAIN", 0.0)
    yield pretended
    for number, handler in zip((signal.SIGTERM, signal.SIGINT), handlers, strict=True):
        signal.signal(number, handler)


def drive(config_or_sweep: SweepConfig | Sweep, code: int = 0) -> Sweep:
    """The sweeper in this process."""
    sweep = sweeps.create(config_or_sweep) if isinstance(config_or_sweep, SweepConfig) else config_or_sweep
    assert command.main([str(sweep.path)]) == code
    return sweeps.get(sweep.id)


def states(sweep: Sweep) -> list[str]:
    return [trial.state for trial in sweep.trials]


def told(sweep: Sweep) -> list[str]:
    """What Optuna knows of the ends of its trials."""
    return [trial.state.name for trial in sweeper._study(sweep.path, sweep.config).trials]


# --- what is tried ----------------------------------------------------------------------------------------------


def test_a_grid_is_tried_in_its_order(launcher):
    sweep = drive(grid(RATES, SIZES, prune=False))
    assert (sweep.state, sweep.message, sweep.progress) == ("finished", "6 trials: 6 finished.", 1.0)
    assert [trial.values for trial in sweep.trials] == sweep.config.grid()
    assert [trial.number for trial in sweep.trials] == [1, 2, 3, 4, 5, 6]
    assert launcher.at_once == 1 and told(sweep) == ["COMPLETE"] * 6
    first = sweep.trials[0]
    assert first.curve == (0.8, 0.85, 0.8667) and first.seconds == 2.0 * EPOCHS
    assert sweeps.best(sweep) == first
    rates = sweep.importance["training.learning_rate"]
    assert rates > 0.9 > 0.1 > sweep.importance["training.batch_size"], "the size makes no difference here"


def test_a_trial_is_an_ordinary_run(launcher):
    sweep = drive(grid())
    for trial in sweep.trials:
        run = runs.get(trial.run_id)
        assert run.state == "finished" and run.tags == (sweep.tag,) == ("sweep Three rates",)
        assert run.config == apply(BASE, trial.values)
    assert runs.get(sweep.trials[0].run_id).name == "lr 0.01 · Three rates"
    assert len(runs.all_runs()) == 3


def test_a_long_name_begins_with_what_differs(launcher):
    config = grid(RATES, SIZES).model_copy(update={"name": "x" * 60})
    sweep = drive(config)
    names = {runs.get(trial.run_id).name for trial in sweep.trials}
    assert len(names) == len(sweep.trials) and all(name.startswith("lr ") and len(name) <= 80 for name in names)
    assert sweep.state == "finished"


def test_several_runs_at_once(launcher):
    sweep = drive(grid(RATES, SIZES, at_once=4, prune=False))
    assert sweep.state == "finished" and launcher.at_once == 4 and len(launcher.started) == 6


@pytest.mark.parametrize("method", one_in(2, ["random", "optuna"]))
def test_values_are_drawn_from_their_ranges(method, launcher):
    settings = (
        Setting(path="training.learning_rate", low=0.0001, high=1.0, log=True),
        Setting(path="training.batch_size", low=8, high=64, log=True),
        Setting(path="training.optimizer", values=("adam", "sgd")),
    )
    config = SweepConfig(base=BASE, method=method, settings=settings, trials=16, prune=False)
    sweep, again = drive(config), drive(config)
    tried = [tuple(trial.values.values()) for trial in sweep.trials]
    assert len(set(tried)) == 16
    for rate, size, optimizer in tried:
        assert 0.0001 <= rate <= 1.0 and rate == float(f"{rate:.4g}")
        assert 8 <= size <= 64 and type(size) is int and optimizer in ("adam", "sgd")
    assert [trial.values for trial in again.trials] == [trial.values for trial in sweep.trials], "the seed decides"
    other = drive(config.model_copy(update={"seed": 1}))
    assert [trial.values for trial in other.trials] != [trial.values for trial in sweep.trials]


@pytest.mark.slow
def test_optuna_learns_where_it_is_good(launcher):
    """The accuracy is best at a rate of 0.01: after a start at random, it draws nearer to it than chance does."""
    rates = Setting(path="training.learning_rate", low=0.0001, high=1.0, log=True)
    sweep = drive(SweepConfig(base=BASE, method="optuna", settings=[rates], trials=40, prune=False))
    near = [0.001 < trial.values[rates.path] < 0.1 for trial in sweep.trials]
    assert sum(near[20:]) >= 15, "half of them by chance"
    assert sweeps.best(sweep).accuracy > 0.855


def test_nothing_is_tried_twice(launcher):
    """Two settings of two values have four combinations; chance repeats them."""
    settings = (Setting(path="data.flip", values=(True, False)), Setting(path="data.limit", values=(None, 200)))
    for method in ("random", "optuna"):
        launcher.started.clear()
        sweep = drive(SweepConfig(base=BASE, method=method, settings=settings, trials=50, prune=False))
        tried = [tuple(trial.values.values()) for trial in sweep.trials]
        assert sweep.state == "finished" and len(launcher.started) == len(tried) == 4
        assert set(tried) == {(flip, limit) for flip in (True, False) for limit in (None, 200)}


def test_a_combination_between_the_ends_that_cannot_be_trained(launcher):
    """Groups of 2 and of 4 feature maps divide 8, those of 3 do not. A failed trial, and the sweep goes on."""
    layers = [Convolution(filters=8), Pooling(mode="depthwise max", size=2), GlobalPooling()]
    base = RunConfig(layers=layers, data=BASE.data, training=BASE.training)
    sizes = Setting(path="layers.1.size", low=2, high=4)
    sweep = drive(SweepConfig(base=base, method="random", settings=[sizes], trials=3))
    failed = next(trial for trial in sweep.trials if trial.values[sizes.path] == 3)
    assert failed.state == "failed" and "cannot split 8 feature maps into groups of 3" in failed.message
    assert failed.run_id is None and sorted(states(sweep)) == ["failed", "finished", "finished"]


# --- what is stopped early, fails, or is stopped by hand --------------------------------------------------------


def six_seeds(**options) -> SweepConfig:
    return grid(Setting(path="training.seed", values=(1, 2, 3, 4, 5, 6)), **options)


def bad_fifth(config: RunConfig, epoch: int) -> float:
    return 0.1 if config.training.seed == 5 else 0.5 + epoch / 10 + config.training.seed / 1000


def test_an_unpromising_run_is_stopped_early(launcher):
    launcher.accuracy = bad_fifth
    sweep = drive(six_seeds())
    assert states(sweep) == [*["finished"] * 4, "stopped early", "finished"]
    assert sweep.message == "6 trials: 5 finished, 1 stopped early."
    bad = sweep.trials[4]
    assert bad.curve == (0.1,) and bad.message == (
        "After epoch 1, its validation accuracy was below the median of the trials before it."
    )
    run = runs.get(bad.run_id)
    assert run.state == "stopped" and run.status.epoch == 1 < EPOCHS, "it keeps what it has learned"
    assert told(sweep) == [*["COMPLETE"] * 4, "PRUNED", "COMPLETE"]


def test_nothing_is_stopped_early_where_that_is_not_wanted(launcher):
    launcher.accuracy = bad_fifth
    assert states(drive(six_seeds(prune=False))) == ["finished"] * 6


def test_the_first_trials_are_compared_with_nothing(launcher):
    launcher.accuracy = lambda config, epoch: 0.9 - config.training.seed / 10
    assert states(drive(six_seeds()))[:3] == ["finished"] * 3


def test_a_failed_run_is_a_failed_trial(launcher):
    launcher.accuracy = lambda config, epoch: None if config.training.learning_rate == 0.01 else 0.5
    sweep = drive(grid())
    assert states(sweep) == ["failed", "finished", "finished"] and sweep.state == "finished"
    assert sweep.trials[0].message == "The loss is no longer a number."
    assert told(sweep) == ["FAIL", "COMPLETE", "COMPLETE"]
    assert sweeps.best(sweep).number == 2


def test_three_failures_alike_end_a_sweep_that_nothing_comes_of(launcher):
    launcher.accuracy = lambda config, epoch: None
    sweep = drive(six_seeds(), code=1)
    assert sweep.state == "failed" and len(launcher.started) == 3
    assert sweep.message.startswith("3 trials in a row failed alike")
    assert sweep.message.endswith("The loss is no longer a number.")
    launcher.accuracy = accuracy_of
    resumed = drive(sweep)
    assert states(resumed) == [*["failed"] * 3, *["finished"] * 3]


def test_failures_after_a_success_end_nothing(launcher):
    launcher.accuracy = lambda config, epoch: 0.5 if config.training.seed == 1 else None
    assert states(drive(six_seeds())) == ["finished", *["failed"] * 5]


def test_a_run_that_is_stopped_by_hand_ends_its_trial_only(launcher):
    def stop_the_second() -> None:
        if len(launcher.started) == 2:
            runs.request_stop(runs.get(launcher.started[1]))

    launcher.each_look = stop_the_second
    sweep = drive(grid())
    assert states(sweep) == ["finished", "stopped", "finished"] and told(sweep)[1] == "PRUNED"
    assert sweep.trials[1].message == "Its run was stopped by hand."


def test_a_run_that_is_deleted_by_hand_ends_its_trial_only(launcher):
    def delete_the_second() -> None:
        run = runs.read(runs.root() / launcher.started[-1])
        if len(launcher.started) == 2 and run.path.is_dir() and run.status.epoch:
            runs.write_status(run.path, runs.closed(run.status, "stopped"))
            runs.delete(run)

    launcher.each_look = delete_the_second
    sweep = drive(grid())
    assert states(sweep) == ["finished", "stopped", "finished"]
    assert (sweep.trials[1].message, sweep.trials[1].run_id) == ("Its run was deleted.", None)
    assert sweep.trials[1].epoch == 1, "what is known of it stays"


def test_a_run_whose_process_is_lost_is_resumed_once(launcher):
    """With a worker of a cluster, for instance. Twice means that it will be lost again."""
    lost = Counter()

    def lose(times: int) -> None:
        for run_id in launcher.started[:1]:
            run = runs.get(run_id)
            if run.active and run.status.epoch == 1 and lost[run_id] < times:
                lost[run_id] += 1
                runs.write_status(run.path, replace(run.status, pid=NO_PROCESS))

    launcher.each_look = lambda: lose(1)
    sweep = drive(grid())
    assert states(sweep) == ["finished"] * 3 and sweep.trials[0].restarts == 1
    assert Counter(launcher.started)[sweep.trials[0].run_id] == 2
    launcher.started.clear()
    launcher.each_look = lambda: lose(2)
    sweep = drive(grid())
    assert states(sweep) == ["failed", "finished", "finished"] and "process is gone" in sweep.trials[0].message


@pytest.mark.parametrize(
    "error", [Unreachable("Nothing answers as a Ray cluster."), RunExists("Another window is just starting a run.")]
)
def test_a_launcher_that_does_not_answer_is_asked_again(error, launcher):
    launcher.refuses = error
    looks, said = [], []

    def look() -> None:
        looks.append(len(runs.all_runs()))
        said.append(sweeps.all_sweeps()[0].message)
        if len(looks) == 4:
            launcher.refuses = None

    launcher.each_look = look
    sweep = drive(grid())
    assert states(sweep) == ["finished"] * 3 and looks[:4] == [1] * 4
    assert said[3] == str(error) and said[-1] == ""


def test_a_run_that_somebody_else_has_started_is_followed(launcher, monkeypatch):
    """In a window with the Runs page, in the moment in which the sweep does."""
    start = launcher.start

    def second(run: Run) -> None:
        start(run)
        start(run)

    monkeypatch.setattr(launcher, "start", second)
    assert states(drive(grid())) == ["finished"] * 3 and len(launcher.started) == 3


# --- stopping and going on --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["file", "signal"])
def test_a_stop_stops_the_runs_and_loses_nothing(how, launcher):
    def stop() -> None:
        if len(launcher.started) >= 3 and runs.get(launcher.started[2]).status.epoch:
            launcher.each_look = lambda: None
            if how == "file":
                sweeps.stop(sweeps.all_sweeps()[0])
            else:
                os.kill(os.getpid(), signal.SIGTERM)

    launcher.each_look = stop
    sweep = drive(grid(RATES, SIZES, at_once=2, prune=False))
    assert (sweep.state, sweep.message, sweep.stop_requested) == ("stopped", "Stopped by request.", False)
    assert not any(run.active for run in runs.all_runs())
    open_ = [trial for trial in sweep.trials if trial.run_id and not trial.ended]
    assert len(open_) in (1, 2) and all(trial.state == "waiting" for trial in open_)
    assert sweep.resumable and sweep.seconds > 0
    sweep = drive(sweep)
    assert states(sweep) == ["finished"] * 6 and [trial.values for trial in sweep.trials] == sweep.config.grid()
    assert len(runs.all_runs()) == 6 and told(sweep) == ["COMPLETE"] * 6
    assert [trial.epoch for trial in sweep.trials] == [EPOCHS] * 6, "they went on, and did not begin again"


def test_random_values_do_not_depend_on_where_a_sweep_was_stopped(launcher):
    rates = Setting(path="training.learning_rate", low=0.0001, high=1.0, log=True)
    config = SweepConfig(base=BASE, method="random", settings=[rates], trials=5, prune=False)
    whole = [trial.values for trial in drive(config).trials]
    launcher.started.clear()
    launcher.each_look = lambda: len(launcher.started) == 3 and sweeps.stop(sweeps.all_sweeps()[0])
    sweep = drive(config)
    assert sweep.state == "stopped"
    launcher.each_look = lambda: None
    sweep = drive(sweep)
    assert [trial.values for trial in sweep.trials] == whole and len(set(map(str, whole))) == 5


def test_a_run_that_went_on_without_its_sweeper(launcher):
    """Killed while two trained: one has finished since, one still trains."""
    launcher.each_look = lambda: (_ for _ in ()).throw(Killed) if len(launcher.started) == 2 else None
    with pytest.raises(Killed):
        drive(grid(at_once=2))
    launcher.each_look = lambda: None
    first, second = (runs.get(run_id) for run_id in launcher.started)
    for _ in range(EPOCHS):
        launcher._learn(runs.read(first.path))
    launcher._learn(runs.read(second.path))
    sweep = drive(sweeps.all_sweeps()[0])
    assert states(sweep) == ["finished"] * 3 and len(launcher.started) == 3, "neither was started again"


def counted(launcher: PretendLauncher, monkeypatch, end: int) -> Callable[[], int]:
    """Kill the sweeper in front of its `end`-th write, whatever it writes."""
    from optuna.storages.journal import JournalFileBackend

    count = 0

    def killing(write):
        def wrapped(*arguments, **options):
            nonlocal count
            count += not launcher.looks
            if count == end and not launcher.looks:
                raise Killed
            return write(*arguments, **options)

        return wrapped

    for owner, name in ((files, "write_text"), (JournalFileBackend, "append_logs"), (PretendLauncher, "start")):
        monkeypatch.setattr(owner, name, killing(getattr(owner, name)))
    return lambda: count


# A trial is drawn but not written down; its run is made but has no name, is not started, has learned more than is
# written down, and has ended without Optuna's knowing; another one is stopped early, which is not written down.
SOME_WRITES = (7, 11, 13, 17, 23, 38)


@pytest.mark.parametrize("which", ["some", pytest.param("each", marks=pytest.mark.slow)])
def test_a_kill_at_any_moment_asks_for_nothing_twice(which, launcher, monkeypatch, tmp_path):
    """In front of single writes, in turn. The trials, their order and their curves are those of a whole sweep."""
    launcher.accuracy = lambda config, epoch: (
        0.1 if config.training.learning_rate == 0.1 else accuracy_of(config, epoch)
    )
    rates = Setting(path="training.learning_rate", values=(0.01, 0.1))
    monkeypatch.setattr(sweeper, "_COMPARED", 1)

    def outcome(sweep: Sweep) -> list[tuple]:
        return [tuple(getattr(trial, name) for name in SHAPE) for trial in sweep.trials]

    undisturbed = sweeps.create(grid(rates))
    with monkeypatch.context() as patch:
        count = counted(launcher, patch, -1)
        expected = outcome(drive(undisturbed))
    writes = range(1, count() + 1)
    assert len(writes) == 40
    assert [state for _, _, state, _ in expected] == ["finished", "stopped early"]
    for end in SOME_WRITES if which == "some" else writes:
        monkeypatch.setenv("CNN_RUNS", str(tmp_path / str(end)))
        sweep = sweeps.create(grid(rates))
        launcher.started.clear()
        with monkeypatch.context() as patch, pytest.raises(Killed):
            counted(launcher, patch, end)
            drive(sweep)
        sweep = drive(sweep)
        assert outcome(sweep) == expected, f"killed in front of write {end}"
        assert told(sweep) == ["COMPLETE", "PRUNED"]
        whole = [run for run in runs.all_runs() if run.state != "damaged"]  # half a folder was no run yet
        assert sorted(run.id for run in whole) == sorted(trial.run_id for trial in sweep.trials)
        assert all(run.tags == (sweep.tag,) for run in whole)


# --- one sweeper, its folder, its command line ------------------------------------------------------------------


def test_one_process_drives_a_sweep(launcher, monkeypatch, capsys):
    monkeypatch.setattr(sweeper, "_GRACE", 0.1)
    sweep = sweeps.create(grid())
    with FileLock(sweep.path / ".lock"):
        drive(sweep, code=1)
    assert "already driven by another process" in capsys.readouterr().err
    assert launcher.started == []


def test_a_sweep_whose_folder_is_deleted_ends(launcher, capsys):
    import shutil

    launcher.each_look = lambda: shutil.rmtree(sweeps.root(), ignore_errors=True)
    sweep = sweeps.create(grid())
    assert command.main([str(sweep.path)]) == 1
    assert "was deleted, and the sweep has ended" in capsys.readouterr().err and not sweep.path.exists()


def test_a_full_disk_ends_a_sweep_with_a_sentence(launcher, monkeypatch):
    def full(*arguments) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "create", full)
        sweep = drive(grid(), code=1)
    assert sweep.state == "failed" and "The disk is full" in sweep.message
    assert states(drive(sweep)) == ["finished"] * 3


def test_a_finished_sweep_stays_as_it_is(launcher, capsys):
    sweep = drive(grid())
    assert drive(sweep) == sweep and "already finished" in capsys.readouterr().err
    assert len(launcher.started) == 3


def test_a_sweep_from_a_file(launcher, tmp_path, capsys):
    file = tmp_path / "sweep.json"
    file.write_text(grid().model_dump_json())
    assert command.main([str(file)]) == 0
    (sweep,) = sweeps.all_sweeps()
    assert sweep.state == "finished" and capsys.readouterr().out.splitlines()[-1] == str(sweep.path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_sweep_from_a_file_that_windows_has_saved(encoding, launcher, tmp_path):
    file = tmp_path / "sweep.json"
    file.write_bytes(grid().model_dump_json(indent=1).replace("\n", "\r\n").encode(encoding))
    assert command.main([str(file)]) == 0
    (sweep,) = sweeps.all_sweeps()
    content = (sweep.path / "sweep.json").read_bytes()
    (sweep.path / "sweep.json").write_bytes(content.decode().encode(encoding))
    assert sweeps.read(sweep.path).config == sweep.config


@pytest.mark.parametrize(
    "content, sentence",
    [
        (None, "No such file"),
        ("{", "It is not JSON. Line 1, column 1: unexpected end of the file."),
        ('{"settings": []}', "base: field required"),
    ],
)
def test_a_bad_file_gets_a_sentence(content, sentence, tmp_path, capsys):
    file = tmp_path / "sweep.json"
    if content is not None:
        file.write_text(content)
    assert command.main([str(file)]) == 2
    assert sentence in capsys.readouterr().err and sweeps.all_sweeps() == []


def test_what_is_no_sweep_gets_a_sentence(tmp_path, capsys):
    assert command.main([str(tmp_path)]) == 2 and "is no sweep" in capsys.readouterr().err
    assert command.main([]) == 2 and "give one folder" in capsys.readouterr().err


@pytest.mark.slow  # the tinkerer of test_three_visitors.py runs a real sweep; above, sweepers are killed at any moment
def test_a_real_sweep_survives_the_kill_of_its_sweeper():
    """Real processes: two trainings, of which the first goes on without the sweeper, and a resume that picks it up."""
    base = RunConfig(
        data=BASE.data,
        layers=[Convolution(filters=2), Flatten()],
        training=BASE.training.model_copy(update={"epochs": 2}),
    )
    sweep = sweeps.start(SweepConfig(base=base, method="grid", settings=[SIZES], name="Real"))
    try:
        wait_until(lambda: runs.all_runs() and runs.all_runs()[0].active and runs.all_runs()[0].status.pid)
        killed = sweeps.stored_status(sweep.path).pid
        psutil.Process(killed).kill()
        wait_until(lambda: sweeps.get(sweep.id).state == "interrupted")
        first = runs.all_runs()[0]
        assert first.active, "it goes on by itself"
        sweep = sweeps.resume(sweeps.get(sweep.id))
        wait_until(lambda: not sweeps.get(sweep.id).active, 300)
    finally:
        sweeps.stop(sweep)
        for run in runs.all_runs():
            launchers.LocalLauncher().kill(run)
    sweep = sweeps.get(sweep.id)
    log = (sweep.path / "log.txt").read_text()
    assert sweep.state == "finished", log
    assert states(sweep) == ["finished"] * 2 and [trial.epoch for trial in sweep.trials] == [2, 2], log
    assert sweep.trials[0].run_id == first.id and len(runs.all_runs()) == 2
    assert [trial.values[SIZES.path] for trial in sweep.trials] == list(SIZES.values)
    assert all(0 <= trial.accuracy <= 1 and trial.seconds > 0 for trial in sweep.trials)
    assert [trial.restarts for trial in sweep.trials] == [0, 0]
