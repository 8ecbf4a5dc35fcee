"""The scripts that go with the exported files: each predicts an image file with its runtime alone."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cnn.config import CLASS_NAMES, RunConfig
from cnn.networks.exports import onnx_file
from cnn.networks.exports.litert import litert
from cnn.networks.exports.operations import operations
from cnn.training.prediction_script import LITERT, ONNX, Runtime, prediction_script
from tests.networks.every_layer import STACKS, images, network


@pytest.mark.parametrize(("runtime", "kind"), [(LITERT, "litert"), (LITERT, "8 bits"), (ONNX, "onnx")])
def test_the_script_predicts_an_image_file_by_its_runtime_alone(runtime: Runtime, kind, tmp_path):
    model = network("average")
    content = {
        "litert": lambda: litert(model),
        "8 bits": lambda: litert(model, images(model)),
        "onnx": lambda: onnx_file.onnx_file(operations(model), model.input_shape[1:]),
    }[kind]()
    (tmp_path / "mine.net").write_bytes(content)
    script = prediction_script(RunConfig(layers=STACKS["average"]), "mine.net", "predict.py", runtime)
    assert f"pip install {runtime.install}" in script and "keras" not in script
    (tmp_path / "predict.py").write_text(script, "utf-8")
    pixels = np.random.default_rng(0).integers(0, 100, model.input_shape[1:3], np.uint8)
    pixels[0, 0] = pixels[-1, -1] = 90  # the crop is the whole image
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-I", tmp_path / "predict.py", tmp_path / "noise.png"],
        cwd="/",
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.strip().split("%  ") for line in done.stdout.splitlines()]
    found = {label: float(number) / 100 for number, label in lines[-len(CLASS_NAMES) :]}
    expected = model.predict(pixels.reshape(1, *model.input_shape[1:]).astype(np.float32) / 255, verbose=0)[0]
    tolerance = 0.02 if kind == "8 bits" else 1e-4
    assert [found[name] for name in CLASS_NAMES] == pytest.approx(list(expected), abs=tolerance)
    assert list(found.values()) == sorted(found.values(), reverse=True)
