"""Files of version 1, which called five fields of the data by other names, are read as if they were of today.

`version_1/` is a runs folder as the last program of version 1 left it: a run, a saved preset, an exported
configuration, and two sweeps that were stopped in their third trial, a grid and one of Optuna's. Its trainings were
pretended.
"""

import json
import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from cnn import runs
from cnn import sweep as command
from cnn.config import Data, RunConfig, explain, presets, versions
from cnn.config.layers import Flatten
from cnn.runs import saved_presets
from cnn.tuning import SweepConfig, sweeper, sweeps
from tests.tuning.test_sweeper import PretendLauncher, launcher

assert launcher  # the fixture

OLD = Path(__file__).parent / "version_1"
RUN = "20261127-104300-of-version-1"
GRID, OPTUNA = "20261127-104300", "20261127-104309"
EVERY_FIELD = Data(
    dataset="synthetic",
    limit=300,
    flip=True,
    shift=2,
    random_affine=0.5,
    random_erasing=0.25,
    style_augmentation=0.3,
    outlier_exposure=0.05,
    own_images=0.1,
)
NEW_NAMES = {
    "warp": "random_affine",
    "erase": "random_erasing",
    "restyled": "style_augmentation",
    "strange": "outlier_exposure",
    "own": "own_images",
}


@pytest.fixture
def old(runs_folder: Path) -> Path:
    """The runs folder of version 1, in the place of this test's own."""
    return Path(shutil.copytree(OLD, runs_folder))


def contents(path: Path) -> dict:
    return json.loads(path.read_bytes())


def refusal(make) -> str:
    with pytest.raises(ValidationError) as caught:
        make()
    return explain(caught.value)


def of_version(version: object, **data: object) -> dict:
    return {"version": version, "data": data, "layers": [{"kind": "flatten"}]}


# --- what version 1 wrote ---------------------------------------------------------------------------------------


def test_the_files_are_of_version_1():
    places = ("*/config.json", ".sweeps/*/sweep.json", ".presets/*.json", "exported.json")
    files = [file for place in places for file in OLD.glob(place)]
    assert len(files) == 11 and all(contents(file)["version"] == 1 for file in files)
    assert contents(OLD / RUN / "config.json")["data"].keys() >= NEW_NAMES.keys()


def test_a_run_is_read_and_its_file_stays_as_it_is(old):
    before = (old / RUN / "config.json").read_bytes()
    run = runs.get(RUN)
    assert run.state == "stopped" and run.problem is None and run.config.data == EVERY_FIELD
    assert run.config == presets()["tiny"].model_copy(update={"data": EVERY_FIELD})
    assert (old / RUN / "config.json").read_bytes() == before
    assert not [run for run in runs.all_runs() if run.state == "damaged"]


def test_a_saved_preset_and_an_exported_configuration_are_read(old):
    found, problems = saved_presets.own()
    assert problems == [] and found["mine"].data == saved_presets.find("mine").data == EVERY_FIELD
    exported = saved_presets.parse((OLD / "exported.json").read_bytes())
    assert exported.preset == "wardrobe" and len(exported.layers) == 15 and exported.training.epochs == 36
    assert exported.data == Data(
        flip=True,
        random_affine=0.3,
        random_erasing=0.25,
        style_augmentation=0.24,
        outlier_exposure=0.03,
        own_images=0.12,
    )


def test_what_is_written_of_it_today_is_of_version_2(old):
    copy = runs.create(runs.get(RUN).config)
    written = contents(copy.path / "config.json")
    assert written["version"] == 2 and written["data"].keys() == Data.model_fields.keys()
    assert runs.get(copy.id).config == runs.get(RUN).config
    assert contents(sweeps.create(sweeps.get(GRID).config).path / "sweep.json")["version"] == 2


@pytest.mark.parametrize("name", ["lecture", "dense"])
def test_the_shipped_runs_are_still_read(name):
    run = runs.get(name)
    assert contents(run.path / "config.json")["version"] == 1 and run.problem is None and run.config is not None


# --- sweeps -----------------------------------------------------------------------------------------------------


def test_a_sweep_is_read_with_its_trials(old):
    grid, optuna = sweeps.get(GRID), sweeps.get(OPTUNA)
    assert [setting.path for setting in grid.config.settings] == ["data.random_erasing", "data.flip"]
    assert [trial.state for trial in grid.trials] == ["finished"] * 2 + ["waiting"] * 4
    assert [trial.values for trial in grid.trials] == grid.config.grid()
    assert grid.trials[2].words == "random erasing (probability) 0.5, random horizontal flip on"
    assert grid.config.base.data.style_augmentation == 0.1
    assert [trial.values["data.random_affine"] for trial in optuna.trials] == [0.449, 0.4512, 0.4626]
    assert all("data.style_augmentation" in trial.values for trial in optuna.trials)


@pytest.mark.parametrize("sweep_id", [GRID, OPTUNA])
def test_a_sweep_goes_on_where_it_was(old, launcher: PretendLauncher, sweep_id):
    launcher.accuracy = lambda config, epoch: round(0.9 - config.data.random_erasing / 4 - 0.1 / epoch, 4)
    path = sweeps.get(sweep_id).path
    before, asked = sweeps.get(sweep_id).trials, (path / "sweep.json").read_bytes()
    assert command.main([str(path)]) == 0
    after = sweeps.get(sweep_id)
    assert after.state == "finished" and len(after.trials) == 6
    assert [trial.state for trial in after.trials] == ["finished"] * 6
    assert after.trials[:2] == before[:2] and after.trials[2].run_id == before[2].run_id
    assert [trial.values for trial in after.trials[: len(before)]] == [trial.values for trial in before]
    assert (path / "sweep.json").read_bytes() == asked
    told = sweeper._study(path, after.config).trials
    assert [trial.state.name for trial in told] == ["COMPLETE"] * 6
    assert {name for trial in told for name in trial.params} == {setting.path for setting in after.config.settings}
    assert set(after.importance) <= {setting.path for setting in after.config.settings}
    trained = [runs.get(trial.run_id).config.data for trial in after.trials]
    for trial, data in zip(after.trials, trained, strict=True):
        assert all(getattr(data, path.removeprefix("data.")) == value for path, value in trial.values.items())


def test_a_run_that_was_made_when_the_sweeper_was_killed_is_taken_up(old, launcher: PretendLauncher):
    """Its name says the settings in the words of version 1."""
    sweep = sweeps.get(GRID)
    trials = contents(sweep.path / "trials.json")
    orphan = runs.get(trials["trials"][2]["run_id"])
    trials["trials"][2] |= {"run_id": None, "curve": [], "state": "waiting", "seconds": 0.0}
    runs.write_json(sweep.path / "trials.json", trials)
    (orphan.path / "metrics.jsonl").unlink()
    runs.write_status(orphan.path, runs.Status("queued"))
    assert command.main([str(sweep.path)]) == 0
    assert sweeps.get(GRID).trials[2].run_id == orphan.id


@pytest.mark.parametrize("says_its_version", [True, False])
def test_a_sweep_is_made_from_a_file_of_version_1(old, tmp_path, launcher: PretendLauncher, says_its_version):
    """What people write by hand around an exported configuration has no version of its own."""
    file = tmp_path / "sweep.json"
    values = {
        "base": contents(old / ".presets" / "mine.json"),
        "method": "grid",
        "prune": False,
        "settings": [{"path": "data.erase", "values": [0.1, 0.2]}],
    }
    file.write_text(json.dumps({"version": 1, **values} if says_its_version else values))
    launcher.accuracy = lambda config, epoch: 0.5 + config.data.random_erasing
    assert command.main([str(file)]) == 0
    newest = next(sweep for sweep in sweeps.all_sweeps() if sweep.id not in (GRID, OPTUNA))
    assert [trial.values for trial in newest.trials] == [{"data.random_erasing": 0.1}, {"data.random_erasing": 0.2}]


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["url", "Erase", *NEW_NAMES.values()])
def test_a_field_that_version_1_did_not_know_is_refused(name):
    sentence = refusal(lambda: RunConfig.model_validate(of_version(1, **{name: 0.1})))
    assert name in sentence and sentence.endswith(".")


def test_values_and_combinations_of_version_1_are_still_checked():
    assert "0.7" in refusal(lambda: RunConfig.model_validate(of_version(1, restyled=0.71)))
    assert "90%" in refusal(lambda: RunConfig.model_validate(of_version(1, restyled=0.7, own=0.3)))
    assert RunConfig.model_validate(of_version(1, warp=2.0)).data.random_affine == 2.0


@pytest.mark.parametrize(("name", "new_name"), NEW_NAMES.items())
@pytest.mark.parametrize("version", [2, None])
def test_an_old_name_in_a_new_file_is_refused_with_the_new_one(name, new_name, version):
    values = of_version(version, **{name: 0.1})
    if version is None:
        del values["version"]
    sentence = refusal(lambda: RunConfig.model_validate(values))
    assert sentence == f'In the data of a configuration, "{name}" is called "{new_name}" since version 2: rename it.'
    with pytest.raises(saved_presets.Unreadable, match=new_name):
        saved_presets.parse(json.dumps(values).encode())


def test_an_old_path_in_a_new_sweep_is_refused_with_the_new_one(tmp_path, capsys):
    file = tmp_path / "sweep.json"
    base = RunConfig(layers=(Flatten(),)).model_dump(mode="json")
    file.write_text(json.dumps({"base": base, "settings": [{"path": "data.erase", "values": [0.1, 0.2]}]}))
    assert command.main([str(file)]) == 2
    assert "data.erase is called data.random_erasing since version 2: rename it." in capsys.readouterr().err


@pytest.mark.parametrize("version", [3, 99])
def test_files_of_a_newer_version_are_refused(version, runs_folder):
    configuration = of_version(version, something_new=1)
    assert "This configuration was written by a newer version" in refusal(
        lambda: RunConfig.model_validate(configuration)
    )
    sweep = {"version": version, "base": {}, "settings": []}
    assert "This sweep was written by a newer version" in refusal(lambda: SweepConfig.model_validate(sweep))


def test_paths_are_renamed_only_where_they_are_the_whole_string():
    text = '{"data.erase":1,"param_name":"data.own","message":"not data.erase","x":"data.erased","l":["data.warp"]}'
    expected = (
        '{"data.random_erasing":1,"param_name":"data.own_images","message":"not data.erase","x":"data.erased",'
        '"l":["data.random_affine"]}'
    )
    assert versions.renamed_paths(text.encode()).decode() == expected
    assert versions.renamed_paths(expected.encode()) == expected.encode()
