"""Which images a training began with, so that it does not go on with others without a word.

    runs/<id>/dataset.json   fingerprint, and of each class how many images there were

Only of a dataset of people's own, as built-in ones do not change. Other images would come in another order and be
divided otherwise: test images might have been trained on. A run that has no such file goes on as it is.
"""

from collections.abc import Callable
from typing import Any

from cnn import data, runs
from cnn.config import Data, counted
from cnn.config.printable import printable
from cnn.data.own_images import OwnImages
from cnn.errors import CannotGoOn
from cnn.runs import Run

FILE = "dataset.json"
_NAMED = 3  # classes whose numbers are said


class DatasetChanged(CannotGoOn):
    """The dataset is another one than the training began with."""


def of(config: Data, on_progress: Callable[[str], None] | None = None) -> dict[str, Any]:
    """What is kept of a dataset: {"fingerprint": text, "classes": {name: images}}; empty of a built-in one.

    Args:
        on_progress: called with a sentence now and then; what it raises ends the work.

    Raises:
        DataUnavailable: it is gone, or cannot be split.
    """
    if not config.classes:
        return {}
    classes = dict.fromkeys(config.card.class_names, 0)
    for part in OwnImages(config).parts(on_progress):
        for image in part:
            classes[image.class_name] += 1
    return {"fingerprint": data.fingerprint(config), "classes": classes}


def check(run: Run, now: dict[str, Any]) -> None:
    """Keep what a training begins with, or make sure that it goes on with the same.

    Args:
        now: what `of` says of the dataset.

    Raises:
        DatasetChanged: there is a checkpoint, of a training with other images.
    """
    if not run.has_checkpoint:
        if now:
            runs.write_json(run.path / FILE, now)
    elif said := _change(run, now):
        raise DatasetChanged(said)


def change(run: Run) -> str:
    """What has become of the dataset since a run that can be resumed began, in sentences; empty where it is the same.

    Raises:
        DataUnavailable: as `of`.
    """
    if run.config is None or not (run.has_checkpoint and (run.path / FILE).is_file()):
        return ""
    return _change(run, of(run.config.data))


def _change(run: Run, now: dict[str, Any]) -> str:
    then = runs.read_json(run.path / FILE)
    if not now or not isinstance(then.get("fingerprint"), str) or then["fingerprint"] == now["fingerprint"]:
        return ""
    title = printable(run.config.data.card.title) if run.config else "The dataset"
    return (
        f"{title} has changed since this training began: {_difference(then.get('classes'), now['classes'])}. Some "
        "images that it was trained on may be test images now. Train it again from the start, or take the changes "
        "back and resume it."
    )


def _difference(then: Any, now: dict[str, int]) -> str:
    """48 images then, 60 now (hat 20 then, 32 now)"""
    if not isinstance(then, dict) or not all(isinstance(count, int) for count in then.values()):
        return f"{counted(sum(now.values()), 'image')} now"
    others = [name for name in now if then.get(name, 0) != now[name]]
    if not others:
        return f"{counted(sum(now.values()), 'image')} now as then, but not the same ones"
    words = [f"{printable(name)} {then.get(name, 0):,} then, {now[name]:,} now" for name in others[:_NAMED]]
    more = [f"{len(others) - _NAMED} more classes"] if len(others) > _NAMED else []
    total = f"{counted(sum(then.values()), 'image')} then, {sum(now.values()):,} now"
    return f"{total} ({'; '.join([*words, *more])})"
