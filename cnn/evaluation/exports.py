"""The files of a run's network for other programs: made, loaded again, compared with the network, and kept with it.

Every file answers the same test images as the network, so that size, accuracy and difference stand side by side. Knows
no page; loads TensorFlow only when something is made.
"""

import importlib.util
import json
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnn import data, runs
from cnn.config import counted
from cnn.evaluation.examples import read_examples
from cnn.networks.batch_size import images_at_once
from cnn.runs import Run

COMPARED = 100  # images, at most, on which the largest difference is measured
SAMPLE = 2_000  # test images for the accuracies where all of them take too long
PATIENCE = 30.0  # seconds that one file may take for all test images
_BATCH = 250  # images at once, at most
_RANGE_VALUES = 2**24  # of all images that find the ranges of 8 bits: 64 MB
_MAKING = 0.3  # of all work; the rest is measuring accuracies
_FOUND = "exports"  # name of the table, and of the folder with the files
_ONNX_PACKAGES = ("onnx", "onnxruntime")  # the one writes the file, the other runs it

Answer = Callable[[np.ndarray], np.ndarray]  # images float32 (n, h, w, c) -> probabilities (n, classes)


class Format(NamedTuple):
    """One of the files: its title, what it is for, and how its name ends."""

    title: str
    purpose: str
    ending: str


FORMATS: dict[str, Format] = {
    "keras": Format("Keras", "To train on or use with TensorFlow, JAX or PyTorch; opens in Netron", ".keras"),
    "litert": Format("LiteRT, 32 bits", "Android, iOS, Raspberry Pi", ".tflite"),
    "litert-int8": Format("LiteRT, 8 bits", "Microcontrollers, and the accelerators of phones", "-int8.tflite"),
    "onnx": Format("ONNX", "Other frameworks: ONNX Runtime, OpenCV, TensorRT, MATLAB", ".onnx"),
    "page": Format("Browser page", "Any browser or phone, offline: draw or photograph", ".html"),
}


@dataclass(frozen=True)
class Measured:
    """What was found out about a file.

    Attributes:
        size: in bytes.
        difference: the largest between one of its probabilities and the network's, in [0, 1].
        accuracy: on the test images, in [0, 1]; None where these are missing.
    """

    size: int
    difference: float
    accuracy: float | None = None


@dataclass(frozen=True)
class Table:
    """The files that were made, by the keys of `FORMATS`.

    Attributes:
        measured: of each file.
        problems: why a file could not be made, in a sentence.
        compared: how many images the differences are measured on, and what they are, in words.
        images: how many test images the accuracies are measured on. total: how many there are; 0 where none are here.
        accuracy: the network's own on the same images.
    """

    measured: Mapping[str, Measured]
    problems: Mapping[str, str]
    compared: str
    images: int = 0
    total: int = 0
    accuracy: float | None = None


def file_of(run: Run, key: str) -> Path:
    """Where a file is kept once it is made."""
    return runs.found_folder(run) / _name(run, key)


def _name(run: Run, key: str) -> str:
    return f"{_FOUND}/{run.id}{FORMATS[key].ending}"


def onnx_problem() -> str:
    """Which packages are not installed, in a sentence; empty where the ONNX file can be made and run."""
    missing = [name for name in _ONNX_PACKAGES if importlib.util.find_spec(name) is None]
    return f"It needs {' and '.join(missing)}: pip install {' '.join(missing)}" if missing else ""


def kept(run: Run) -> Table | None:
    """What was made earlier of this very network; None where there is nothing, or a file is missing or damaged."""
    found = runs.read_found(run, _FOUND)
    if found is None:
        return None
    try:
        values = json.loads(str(found["table"]))
        values["measured"] = {key: Measured(**one) for key, one in values["measured"].items()}
        table = Table(**values)
        whole = all(file_of(run, key).stat().st_size == one.size for key, one in table.measured.items())
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        return None
    return table if whole else None


def making(run: Run, patience: float = PATIENCE) -> Generator[float, None, Table]:
    """Make every file, measure it and keep it; yields the fraction that is done, in [0, 1].

    Args:
        run: with a network.
        patience: seconds that one file may take for all test images; else a sample is measured.

    Raises:
        UnreadableModel: there is no network.
        NetworkChanged: a training has written another one meanwhile.
        OSError: the files cannot be kept.
    """
    yield 0.0
    from cnn.networks.load import load

    since = run.network_key
    model = load(run)
    splits, missing = _splits(run)
    problems = {}
    if splits is None:
        problems["litert-int8"] = f"8 bits need training images to find the range of each value. {missing}"
    if problem := onnx_problem():
        problems["onnx"] = problem
    at_once = images_at_once(model, _BATCH)
    images, compared = _compared(run, splits, min(COMPARED, at_once))
    expected = np.asarray(model.predict_on_batch(images))
    answers: dict[str, Answer] = {}
    measured: dict[str, Measured] = {}
    slowest = 0.0  # seconds for an image
    for number, key in enumerate(FORMATS):
        yield _MAKING * (number + 0.5) / len(FORMATS)
        if key in problems:
            continue
        content = _made(run, model, key, splits)
        answers[key] = _loaded(runs.keep_file(run, _name(run, key), content), key)
        answers[key](images[:1])  # the first takes longer
        begun = time.perf_counter()
        difference = float(np.abs(answers[key](images) - expected).max())
        slowest = max(slowest, (time.perf_counter() - begun) / len(images))
        measured[key] = Measured(len(content), difference)
    table = Table(measured, problems, compared)
    if splits is not None:
        total = len(splits.test.labels)
        count = total if slowest * total < patience else min(SAMPLE, total)
        network: Answer = lambda batch: np.asarray(model.predict_on_batch(batch))  # noqa: E731
        own, *accuracies = yield from _accuracies([network, *answers.values()], splits.test, count, at_once)
        measured = {
            key: Measured(one.size, one.difference, accuracy)
            for (key, one), accuracy in zip(measured.items(), accuracies, strict=True)
        }
        table = Table(measured, problems, compared, count, total, own)
    runs.require_unchanged(run, since)
    runs.write_found(run, _FOUND, since, table=np.array(json.dumps(asdict(table))))
    return table


def _splits(run: Run) -> tuple[data.Splits | None, str]:
    """The run's dataset where it is on this machine, else a sentence."""
    if missing := data.dataset_of(run.config.data).missing():
        return None, missing
    try:
        return data.load(run.config.data), ""
    except data.DataUnavailable as error:
        return None, str(error)


def _compared(run: Run, splits: data.Splits | None, count: int) -> tuple[np.ndarray, str]:
    """Images float32 (n, h, w, c) on which the files are compared with the network, and what they are."""
    examples = splits.test if splits else read_examples(run)
    if examples is not None:
        images = data.scaled(examples.images[:count])
        return images, counted(len(images), "test image")
    noise = np.random.default_rng(0).random((count, *run.config.data.card.input_shape), np.float32)
    return noise, f"{counted(count, 'image')} of noise"


def _made(run: Run, model, key: str, splits: data.Splits | None) -> bytes:
    """The content of a file."""
    from cnn.networks.exports.browser_page import browser_page
    from cnn.networks.exports.litert import REPRESENTATIVE, litert
    from cnn.networks.exports.onnx_file import onnx_file
    from cnn.networks.exports.operations import operations
    from cnn.networks.load import whole_file

    card = run.config.data.card
    match key:
        case "keras":
            return whole_file(run)
        case "litert":
            return litert(model)
        case "litert-int8":
            few = min(REPRESENTATIVE, _RANGE_VALUES // int(np.prod(card.input_shape)))
            return litert(model, data.scaled(splits.train.images[:few]))
        case "onnx":
            return onnx_file(operations(model), card.input_shape)
    return browser_page(
        operations(model), card.input_shape, card.class_names, run.name, _about(run), card.reading
    ).encode()


def _about(run: Run) -> str:
    """What the browser page says of the network, in a sentence."""
    if not run.evaluation:
        return ""
    images = counted(run.evaluation["n"], ("synthetic " if run.config.data.card.synthetic else "") + "test image")
    return f"Accuracy: {run.evaluation['accuracy']:.2%} of {images} of {run.config.data.card.title}."


def _loaded(file: Path, key: str) -> Answer:
    """What a file answers, by the runtime that it is for; of the browser page, what it holds."""
    import keras

    from cnn.networks.exports import browser_page, litert, onnx_file

    match key:
        case "keras":
            model = keras.models.load_model(file)
            return lambda images: np.asarray(model.predict_on_batch(images))
        case "onnx":
            return onnx_file.Session(file.read_bytes())
        case "page":
            return browser_page.Page(file.read_text("utf-8"))
    return litert.Interpreter(file.read_bytes())


def _accuracies(
    answers: Sequence[Answer], test: data.Split, count: int, at_once: int
) -> Generator[float, None, list[float]]:
    """Each file's accuracy on the first test images; yields the fraction of all work that is done."""
    found = []
    for number, answer in enumerate(answers):
        right = 0
        for start in range(0, count, at_once):
            stop = min(start + at_once, count)
            predicted = answer(data.scaled(test.images[start:stop])).argmax(axis=1)
            right += int((predicted == test.labels[start:stop]).sum())
            yield _MAKING + (1 - _MAKING) * (number + stop / count) / len(answers)
        found.append(right / count)
    return found
