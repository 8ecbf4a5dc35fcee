"""The script that goes with a downloaded network: it predicts an image file, without this project."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from cnn import runs
from cnn.config import CLASS_NAMES, RunConfig
from cnn.config.layers import Convolution, Flatten, Pooling
from cnn.networks.build import build
from cnn.networks.portable import save
from cnn.training.prediction_script import FIRST_KERAS, needs_own_layer, prediction_script

DEPTHWISE = RunConfig(layers=(Convolution(filters=4, stride=2), Pooling(mode="depthwise max"), Flatten()))


def trousers(light: bool = True) -> Image.Image:
    """Dark trousers on a light background, small and off the centre; or the other way round."""
    image = Image.new("L", (400, 300), 240)
    points = [(60, 40), (130, 40), (140, 240), (108, 240), (96, 90), (84, 240), (50, 240)]
    ImageDraw.Draw(image).polygon(points, fill=60)
    return image if light else ImageOps.invert(image).point(lambda value: 0 if value < 20 else value)


def download(folder: Path, config: RunConfig, model: bytes) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "mine.keras").write_bytes(model)
    (folder / "predict_mine.py").write_text(prediction_script(config, "mine.keras", "predict_mine.py"), "utf-8")


def predict(folder: Path, image: str, python: str | Path = sys.executable, **environment: str) -> dict[str, float]:
    """What the script prints, from an unrelated folder and without this project: class and probability."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "KERAS"))}
    command = [python, "-I", folder / "predict_mine.py", folder / image]
    done = subprocess.run(
        command, cwd="/", env={**kept, **environment}, capture_output=True, text=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line.strip().split("%  ") for line in done.stdout.splitlines()]
    return {label: float(number) / 100 for number, label in lines[-len(CLASS_NAMES) :]}


@pytest.mark.parametrize(
    ("file", "light"), [("photo.png", True), pytest.param("dark.jpg", False, marks=pytest.mark.slow)]
)
def test_the_script_predicts_an_image_file(file, light, tmp_path):
    run = runs.get(runs.DEFAULT_ID)
    download(tmp_path, run.config, run.model_path.read_bytes())
    trousers(light).save(tmp_path / file)
    found = predict(tmp_path, file)
    assert next(iter(found)) == "Trouser" and found["Trouser"] > 0.9
    assert sorted(found) == sorted(CLASS_NAMES) and sum(found.values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.slow
def test_the_script_brings_the_layer_that_keras_does_not_have(tmp_path):
    network = build(DEPTHWISE)
    save(network, tmp_path / "network.keras")
    assert needs_own_layer(DEPTHWISE)
    download(tmp_path, DEPTHWISE, (tmp_path / "network.keras").read_bytes())
    pixels = np.random.default_rng(0).integers(0, 100, (28, 28), np.uint8)
    pixels[0, 0] = pixels[-1, -1] = 90  # the crop is the whole image
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    expected = network.predict(pixels.reshape(1, 28, 28, 1).astype(np.float32) / 255, verbose=0)[0]
    found = predict(tmp_path, "noise.png")
    assert [found[name] for name in CLASS_NAMES] == pytest.approx(list(expected), abs=1e-4)


def test_the_script_says_what_goes_in_and_what_comes_out():
    script = prediction_script(runs.get(runs.DEFAULT_ID).config, "mine.keras", "predict_mine.py")
    for words in (f"Keras {FIRST_KERAS} or newer", "(28, 28, 1), values from 0", "probabilities", '"Bag",  # 8'):
        assert words in script
    assert "DepthwiseMaxPooling" not in script
    compile(script, "predict_mine.py", "exec")


# --- an earlier Keras -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def earlier_keras(tmp_path_factory) -> Path:
    """The Python of an environment with the earliest Keras that is promised, and nothing of this project."""
    folder = tmp_path_factory.mktemp("earlier")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=120)
    needed = [f"keras=={FIRST_KERAS}.0", "jax", "pillow"]
    command = [folder / "bin" / "pip", "install", "--quiet", *needed]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        pytest.skip(f"no package registry within reach: {done.stderr[-500:]}")
    return folder / "bin" / "python"


@pytest.mark.slow
@pytest.mark.parametrize("name", [*(run.id for run in runs.shipped()), "depthwise"])
def test_the_file_opens_in_an_earlier_keras_and_predicts_the_same(name, earlier_keras, tmp_path):
    if name == "depthwise":
        save(build(DEPTHWISE), tmp_path / "network.keras")
        download(tmp_path, DEPTHWISE, (tmp_path / "network.keras").read_bytes())
    else:
        run = runs.get(name)
        download(tmp_path, run.config, run.model_path.read_bytes())
    trousers().save(tmp_path / "photo.png")
    found = predict(tmp_path, "photo.png", earlier_keras, KERAS_BACKEND="jax")
    assert found == pytest.approx(predict(tmp_path, "photo.png"), abs=2e-4)
