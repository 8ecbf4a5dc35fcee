"""The exported Keras script: what it says, and that it trains the very same network without the project."""

import ast
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest

from cnn import runs
from cnn.config import Data, RunConfig, Training, presets
from cnn.config.layers import (
    Convolution,
    Dense,
    DepthwiseConvolution,
    Dropout,
    Flatten,
    GlobalPooling,
    InvertedResidual,
    Pooling,
    Rescaling,
    SeparableConvolution,
    SkipConnection,
)
from cnn.data import FashionMnist, soft_labels
from cnn.runs import Run
from cnn.training.keras_script import keras_script, left_out
from tests.command import train_here

SMALL = Data(dataset="synthetic", limit=300)
VARIED = Data(dataset="synthetic", limit=300, flip=True, shift=2, random_affine=0.5, random_erasing=0.3)
EVERY_LAYER = (
    Rescaling(scale=0.5, offset=0.2, standardise=True),
    Convolution(filters=8, kernel=5, stride=2, activation="gelu", batch_normalisation=True),
    Convolution(filters=8, kernel=3, dilation=2, activation="leaky_relu"),
    Convolution(filters=8, activation="linear", batch_normalisation=True),
    SkipConnection(over=2),
    Pooling(mode="depthwise max"),
    Dropout(rate=0.2),
    Pooling(mode="average", size=3, stride=1, padding="same"),
    SkipConnection(over=2),
    Pooling(),
    InvertedResidual(filters=8, expansion=2, squeeze=4, activation="silu"),
    Convolution(filters=6, padding="valid", activation="tanh"),
    DepthwiseConvolution(dilation=2, activation="gelu", batch_normalisation=True),
    SkipConnection(over=1, mode="concatenate", projection=True),
    SeparableConvolution(filters=7, kernel=2, padding="valid"),
    Flatten(),
    Dense(units=16, activation="sigmoid", batch_normalisation=True, l2=0.001),
    Dropout(rate=0.3),
)
PLAIN = (Convolution(filters=4, stride=2), GlobalPooling(mode="max"))

# What is compared with a training of the project: the configuration, and the changes of its learning rate.
COMPARED = {
    "every layer, augmentation, early stopping and a change of the learning rate": (
        RunConfig(
            data=VARIED,
            layers=EVERY_LAYER,
            training=Training(
                optimizer="adamw",
                schedule="one-cycle",
                learning_rate=0.1,
                batch_size=64,
                epochs=14,
                patience=1,
                calibrate=True,
            ),
        ),
        [(0, 3, 0.5), (1, 0, 2.0)],
    ),
    "plain layers and a change of the learning rate": (
        RunConfig(data=SMALL, layers=PLAIN, training=Training(batch_size=50, epochs=1)),
        [(0, 2, 0.5)],
    ),
    "mixup, averaged weights, class weights, early stopping": (
        RunConfig(
            data=SMALL.model_copy(update={"mixup": 0.4}),
            layers=PLAIN,
            training=Training(
                learning_rate=0.1, batch_size=64, epochs=14, patience=1, ema_momentum=0.8, class_weights=True
            ),
        ),
        [],
    ),
    "16 bits, a constant rate": (
        RunConfig(
            data=SMALL,
            layers=(*PLAIN, Dense(units=20), Dropout(rate=0.4)),
            training=Training(batch_size=50, epochs=2, precision="mixed_bfloat16", seed=7),
        ),
        [],
    ),
}


def with_learning_rate_changes(run: Run, changes: list[tuple[int, int, float]]) -> None:
    """Write down changes made by hand, which a training repeats."""
    events = [
        {"kind": "event", "what": "learning rate", "epoch": epoch, "step": step, "steps": 5, "factor": factor}
        for epoch, step, factor in changes
    ]
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def run_script(script: str, folder: Path) -> str:
    """Run a script on its own in a folder, an empty one unless it is there, and return what it printed."""
    folder.mkdir(exist_ok=True)
    file = folder / "train.py"
    file.write_text(script, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TF_"))}
    command = [sys.executable, "-I", file.name]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPARED)
def test_the_script_ends_with_the_weights_of_the_run_bit_for_bit(name, tmp_path, draw_once):
    config, changes = COMPARED[name]
    run = runs.create(config)
    if changes:
        with_learning_rate_changes(run, changes)
    command = train_here(run.path)
    assert command.code == 0, command.err
    run = command.run
    if config.training.patience:
        assert run.status.epoch < config.training.epochs, "early stopping had something to do"

    script = keras_script(config, runs.learning_rate_changes(runs.read_metrics(run)), run.status.precision)
    printed = run_script(script, tmp_path / "alone")
    assert f"Test accuracy {run.evaluation['accuracy']:.4f}" in printed

    expected = keras.models.load_model(run.model_path).get_weights()
    found = keras.models.load_model(tmp_path / "alone" / "model.keras", compile=False).get_weights()
    assert len(found) == len(expected)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    assert_loads_plainly(tmp_path / "alone", run.model_path)


@pytest.mark.slow
@pytest.mark.skipif(not FashionMnist().is_cached(), reason="Fashion-MNIST is not in Keras's cache.")
@pytest.mark.parametrize(
    "settings", [{"distillation": 0.6}, {"importance_sampling": 0.8}, {"distillation": 0.5, "importance_sampling": 0.9}]
)
def test_the_script_learns_from_the_soft_labels_beside_it(settings, tmp_path):
    config = RunConfig(
        data=Data(limit=500, flip=True, **settings),
        layers=PLAIN,
        training=Training(batch_size=50, epochs=2, ema_momentum=0.9, optimizer="adamw"),
    )
    run = runs.create(config)
    assert train_here(run.path).code == 0
    folder = tmp_path / "alone"
    folder.mkdir()
    shutil.copy(soft_labels.FILE, folder)
    printed = run_script(keras_script(config), folder)
    assert f"Test accuracy {runs.read(run.path).evaluation['accuracy']:.4f}" in printed
    expected = keras.models.load_model(run.model_path).get_weights()
    found = keras.models.load_model(folder / "model.keras", compile=False).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    assert f"in the current folder {soft_labels.FILE.name}" in " ".join(keras_script(config).split())


def assert_loads_plainly(folder: Path, model_path: Path) -> None:
    """In a process of its own, without warnings, `model.keras` answers as the project's own file does."""
    pictures = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)
    np.save(folder / "pictures.npy", pictures)
    code = """
        import warnings
        import keras
        import numpy as np
        warnings.simplefilter("error")
        network = keras.models.load_model("model.keras")
        warnings.simplefilter("default")
        np.save("answers.npy", network.predict(np.load("pictures.npy"), verbose=0))
        assert not network.compiled
    """
    command = [sys.executable, "-I", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    expected = keras.models.load_model(model_path, compile=False).predict(pictures, verbose=0)
    assert np.load(folder / "answers.npy") == pytest.approx(expected, abs=1e-6)


# ---------------------------------------------------------------- what it says


def assert_sound(script: str) -> None:
    """It parses and needs only what it says."""
    imported = set()
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
    others = imported - set(sys.stdlib_module_names)
    assert {"keras", "numpy", "tensorflow"} <= others <= {"keras", "numpy", "tensorflow", "PIL"}
    assert ("PIL" in others) == ("pillow" in ast.get_docstring(ast.parse(script)))


OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop"}
SCHEDULES = ("constant", "cosine", "one-cycle")
AWKWARD_NAMES = ('"""', "a\\", '\'"""\nimport os  # "')


def unchecked(name: str) -> RunConfig:
    """A configuration of this name, which may have a line break, although that would be refused."""
    return RunConfig(layers=PLAIN).model_copy(update={"preset": name})


def optimized(optimizer: str, schedule: str) -> str:
    return keras_script(RunConfig(layers=PLAIN, training=Training(optimizer=optimizer, schedule=schedule)))


def longest() -> str:
    widest = Convolution(filters=1024, kernel=31, dilation=8, activation="leaky_relu")
    config = RunConfig(data=VARIED, layers=(*[widest.model_copy(update={"filters": 12})] * 12, Flatten()))
    return keras_script(config, [(499, 54_999, 0.123456789)])


def test_every_script_is_clean(tmp_path):
    """All of this file, whatever their settings; no line is too long."""
    scripts = [keras_script(config) for config in presets().values()]
    scripts += [optimized(optimizer, schedule) for optimizer in OPTIMIZERS for schedule in SCHEDULES]
    scripts += [keras_script(config, changes) for config, changes in COMPARED.values()]
    scripts += [keras_script(unchecked(name)) for name in AWKWARD_NAMES]
    for number, script in enumerate([*scripts, longest()]):
        (tmp_path / f"script_{number}.py").write_text(script, encoding="utf-8")
    options = ["--isolated", "--no-cache", "--select", "E,F", "--line-length", "120"]
    ruff = [sys.executable, "-m", "ruff", "check", *options, "."]
    checked = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    (tmp_path / "bad.py").write_text("import os\n")
    assert subprocess.run(ruff, cwd=tmp_path, capture_output=True).returncode == 1, "it looks at all of them"


@pytest.mark.parametrize("preset", presets())
def test_every_preset_gives_a_sound_script(preset):
    config = presets()[preset]
    script = keras_script(config)
    assert_sound(script)
    for row in config.rows():
        made = "batch_normalisation" if row.type == "BatchNormalization" else f"keras.layers.{row.type}"
        assert f"{made}(" in script and f'name="{row.name}"' in script


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_and_schedule_gives_a_sound_script(optimizer, schedule):
    script = optimized(optimizer, schedule)
    assert_sound(script)
    assert f"keras.optimizers.{OPTIMIZERS[optimizer]}(" in script
    assert ("CosineDecay" in script) == (schedule != "constant") and ("warmup" in script) == (schedule == "one-cycle")


def test_what_the_longest_settings_need_is_sound():
    assert_sound(longest())


@pytest.mark.parametrize("name", COMPARED)
def test_what_is_compared_is_sound_too(name):
    config, changes = COMPARED[name]
    assert_sound(keras_script(config, changes))


def test_only_what_is_needed_is_written():
    script = keras_script(RunConfig(layers=PLAIN))
    for word in (
        "fold_in",
        "random_flip",
        "random_affine",
        "DepthwiseMaxPooling",
        "temperature",
        "EarlyStopping",
        "PIL",
        "dtype_",
    ):
        assert word not in script
    assert "random_shift" in keras_script(RunConfig(layers=PLAIN, data=Data(shift=1)))


def test_auto_is_what_the_run_took():
    config = RunConfig(layers=PLAIN, training=Training(precision="auto"))
    assert "bfloat16" not in keras_script(config)
    assert "bfloat16" not in keras_script(config, precision="float32")
    assert "mixed_bfloat16" in keras_script(config, precision="mixed_bfloat16")
    exact = RunConfig(layers=PLAIN, training=Training(precision="float32"))
    assert "bfloat16" not in keras_script(exact, precision="mixed_bfloat16"), "only auto leaves it open"


def test_a_name_cannot_end_the_docstring():
    for name in AWKWARD_NAMES:
        assert_sound(keras_script(unchecked(name)))


def test_what_is_left_out_is_said_on_the_page_and_in_the_script():
    config = RunConfig(layers=PLAIN, data=Data(style_augmentation=0.24, outlier_exposure=0.03, own_images=0.12))
    sentences = left_out(config)
    assert all(part in sentences[0] for part in ("other styles (24%", "no garment", "(3%", "of your own", "(12%"))
    docstring = " ".join(ast.get_docstring(ast.parse(keras_script(config))).split())
    assert all(sentence in docstring for sentence in sentences)
    assert "bit for bit" not in docstring, "it does not promise what it cannot keep"
    assert left_out(RunConfig(layers=PLAIN, data=VARIED)) == []
    assert "bit for bit" in keras_script(RunConfig(layers=PLAIN, data=VARIED))
