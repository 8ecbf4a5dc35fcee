"""The settings of a new run as far as the visitor has entered them, and every earlier state of them.

The draft is a plain dictionary in the session, so that it may be invalid for a while (a kernel larger than its
input) and still be kept, shown and mended. It has the parts of a `RunConfig`, and each layer a number, `uid`, by which
its widgets and its row know it wherever it is moved. The link has the draft as well, see `draft_link`: a reload brings
it back, and whoever opens the link begins with it. Draws nothing.
"""

import contextlib
import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import streamlit as st
from pydantic import BaseModel

from cnn.config import DATASET_CARDS, Data, DatasetCard, RunConfig, Transfer, presets, versions
from cnn.config.backbones import BACKBONES
from cnn.config.layers import KINDS, Layer
from cnn.config.repairs import Fix
from cnn.config.run_config import AUGMENTATIONS as AUGMENTATIONS
from cnn.config.run_config import BY_SOFT_LABELS, FOR_GARMENTS, PHOTO_SIZE, not_for
from cnn.config.transfer_learning import PHOTO_AUGMENTATION, on_backbone, on_run
from cnn.data import DataUnavailable, data_of
from cnn.data.loading import SCRATCH_SIZE
from cnn.errors import AtelierError
from cnn.runs import Run, saved_presets
from cnn.ui import draft_link, links, state

_FIRST = "fast"  # the preset that is quickest to learn something
_FOR_PHOTOS = "transfer"  # the preset for images of people's own
_STEPS_BACK = 200  # that are kept
_LONGEST = 4000  # characters of the settings in a link: some servers and chats cut longer ones

_PARAMETERS = ("network", "preset")  # of the link
_MANY = 5_000  # images of a built-in dataset, of which a backbone would take half an hour and more
_SOME = 1_000  # are trained on instead

Values = dict[str, Any]


def current() -> Values:
    """The draft; at a visitor's first look, `_FIRST`."""
    if state.DRAFT not in st.session_state:
        _begin(_parts(presets()[_FIRST]))
    draft = st.session_state[state.DRAFT]
    if not draft["data"].keys() <= Data.model_fields.keys():  # the program was updated while this page was open
        for parts in (draft, *st.session_state[state.DRAFT_HISTORY]["states"]):
            parts["data"] = versions.renamed_data(parts["data"])
    return draft


def load(config: RunConfig) -> None:
    """Put a configuration in the place of the draft. What was there is a step back."""
    settle()
    _replace(_parts(config))


def load_preset(config: RunConfig) -> None:
    """As `load`; a dataset of the visitor's own stays, unless it is gone or the configuration has one itself."""
    settle()
    parts, data = _parts(config), current()["data"]
    if data["classes"] and not config.data.classes:
        with contextlib.suppress(DataUnavailable):
            _choose_images(parts, data["dataset"])
    _replace(parts)


def use_dataset(name: str) -> None:
    """Choose the images of the draft: dataset, classes, size and channels at once. What was there is a step back.

    Layers that were transferred keep the size and the channels that they are for. What is only for clothes as in
    Fashion-MNIST is set to 0 for all others, see `news`.

    Args:
        name: of a built-in dataset, or of one of people's own, or the path of its folder.

    Raises:
        DataUnavailable: there is no such dataset, or fewer than two of its classes have images.
    """
    settle()
    parts = _state()
    _choose_images(parts, name)
    _replace(parts)


def use_size(height: int, width: int, channels: int) -> None:
    """Bring the draft's images to another size, or to other channels: 1 for grey, 3 for RGB."""
    settle()
    parts = _state()
    data = parts["data"]
    shape = (height, width, channels)
    card = _built_in(data)
    if card is not None and shape == card.input_shape:
        data |= {"image_size": None, "channels": None}
    else:
        data |= {"image_size": (height, width), "channels": channels}
    _suit_images(data)
    _replace(parts)


def begin_with(source: str, run: Run | None = None) -> None:
    """Begin the draft's network with the layers of another: frozen, below a new output layer. The images stay.

    Args:
        source: the name of a backbone, or a run's id; empty: the layers stay, with random weights.
        run: of that id.
    """
    settle()
    parts = _state()
    if not source:
        parts["transfer"] = Transfer().model_dump()
        _replace(parts)
        return
    data = dict(parts["data"])
    if run is None or run.config is None:
        shape = BACKBONES[source].input_shape
        if not parts["transfer"]["source"]:
            data |= {"image_size": shape[:2], "channels": shape[2]}
        _suit_images(data)
        _vary_photos(data)
        config = on_backbone(source, Data.model_validate(data))
    else:
        shape = run.config.data.card.input_shape
        data |= {"image_size": shape[:2], "channels": shape[2]}
        _suit_images(data)
        config = on_run(source, run.config, Data.model_validate(data))
    _replace({**_parts(config), "resources": parts["resources"]})


def transfer_less(layers: int) -> None:
    """Transfer only so many layers from the first; the others get random weights."""
    settle()
    parts = _state()
    if layers:
        frozen = min(parts["transfer"]["frozen"], layers)
        parts["transfer"] |= {"layers": layers, "frozen": frozen, "output": False}
    else:
        parts["transfer"] = Transfer().model_dump()
    _replace(parts)


def news() -> str:
    """What the last change of the images also changed, in a sentence, once; empty where there is nothing to say."""
    return st.session_state.pop(state.DRAFT_NEWS, "")


def follow_link(arrived: bool) -> None:
    """Take the settings that the link has, if it has any: a visitor came by it, reloaded the page or went back.

    `?dataset=NAME` chooses images; people's own are for transfer learning, unless other settings were entered already.

    Args:
        arrived: whether another page was shown before, or none. If not, a link of this visit is not followed: the
            browser may not know the newest one yet.
    """
    seen = st.session_state.setdefault(state.DRAFT_LINKS, [])
    if (dataset := st.query_params.get(state.DATASET)) is not None:
        links.write(state.DATASET, None)
        _follow_dataset(dataset)
        return
    link = next(((name, st.query_params[name]) for name in _PARAMETERS if name in st.query_params), None)
    if link is None or seen[-1:] == [link] or (link in seen and not arrived):
        return
    seen.append(link)
    try:
        parts = _linked(*link)
    except AtelierError as error:
        st.session_state[state.LINK_PROBLEM] = (str(error), current()["count"])
        return
    if state.DRAFT in st.session_state:
        settle()
        _replace(parts)
    else:
        _begin(parts)


def write_link() -> None:
    """Let the link say what the draft is: nothing for the first preset, else the preset, or all settings."""
    preset, text = current()["preset"], _as_text(_state())
    known = {**presets(), **saved_presets.own()[0]}
    unchanged = preset in known and text == _as_text(_parts(known[preset], numbers=False))
    name, value = ("preset", preset) if unchanged else ("network", text if len(text) <= _LONGEST else None)
    if (name, value) == ("preset", _FIRST):
        value = None
    for parameter in _PARAMETERS:
        links.write(parameter, value if parameter == name else None)
    seen = st.session_state[state.DRAFT_LINKS]
    if seen[-1:] != [(name, value)]:
        st.session_state[state.DRAFT_LINKS] = [*seen, (name, value)][-_STEPS_BACK:]


def link_problem() -> str | None:
    """What was wrong with the link, until something else is loaded."""
    problem, count = st.session_state.get(state.LINK_PROBLEM, (None, None))
    return problem if count == current()["count"] else None


def edit_layers(change: Callable[[list[Values]], object]) -> None:
    """Add, move or take away layers. What was there is a step back."""
    settle()
    change(st.session_state[state.DRAFT]["layers"])


def mend(fix: Fix) -> None:
    """Make a change of the layers that lets them fit."""

    def change(stack: list[Values]) -> None:
        stack[fix.start : fix.stop] = [numbered(layer) for layer in fix.layers]

    edit_layers(change)


def set_learning_rate(value: float) -> None:
    """Change the learning rate, and the widget that shows it."""
    settle()
    parts = _state()
    parts["training"]["learning_rate"] = value
    _replace(parts)


def call_it(preset: str) -> None:
    """Say which preset the draft started from, or has been saved as."""
    settle()
    st.session_state[state.DRAFT]["preset"] = preset


def key(place: str, name: str) -> str:
    """The key of the widget for a field. With another count, the widgets are new ones that show the draft's values."""
    return f"{place}-{current()['count']}-{name}"


def settle() -> None:
    """Take over what the widgets say, before anything is drawn or changed, and remember a state that is new."""
    draft = current()
    sections: list[tuple[str, type[BaseModel], Values]] = [
        (name, model, draft[name]) for name, model in draft_link.SECTIONS.items()
    ]
    sections += [(place(layer), KINDS[layer["kind"]], layer) for layer in draft["layers"]]
    for where, model, values in sections:
        for name in model.model_fields:
            values[name] = st.session_state.get(key(where, name), values[name])
    history, now = st.session_state[state.DRAFT_HISTORY], _state()
    if now != history["states"][history["at"]]:
        states = [*history["states"][: history["at"] + 1], now][-_STEPS_BACK:]
        st.session_state[state.DRAFT_HISTORY] = {"states": states, "at": len(states) - 1}


def can_step(by: int) -> bool:
    """Whether there is a state so many steps on (1), or back (-1)."""
    history = st.session_state[state.DRAFT_HISTORY]
    return 0 <= history["at"] + by < len(history["states"])


def step(by: int) -> None:
    """Undo (-1) or redo (1) a change of the draft."""
    settle()
    if can_step(by):
        history = st.session_state[state.DRAFT_HISTORY]
        history["at"] += by
        _replace(copy.deepcopy(history["states"][history["at"]]))


def layers(draft: Values) -> list[Layer]:
    """The draft's layers, without their numbers."""
    return [
        KINDS[values["kind"]].model_validate({name: value for name, value in values.items() if name != "uid"})
        for values in draft["layers"]
    ]


def numbered(layer: Layer) -> Values:
    """A layer as the draft keeps it, with a number that no other has had."""
    uid = st.session_state[state.LAYER_COUNT] = st.session_state.get(state.LAYER_COUNT, 0) + 1
    return {**layer.model_dump(), "uid": uid}


def place(layer: Values) -> str:
    """What the keys of a layer's widgets begin with."""
    return f"layer-{layer['uid']}"


def _parts(config: RunConfig, numbers: bool = True) -> Values:
    values = config.model_dump(include={"preset", *draft_link.SECTIONS})
    return {**values, "layers": [numbered(layer) if numbers else layer.model_dump() for layer in config.layers]}


def _linked(name: str, value: str) -> Values:
    """The settings that a parameter of the link stands for. Raises AtelierError where it stands for none."""
    if name == "preset":
        return _parts(saved_presets.find(value))
    preset, sections, stack = draft_link.decode(value)
    return {"preset": preset, **sections, "layers": [numbered(layer) for layer in stack]}


def _as_text(parts: Values) -> str:
    return draft_link.encode(parts["preset"], {name: parts[name] for name in draft_link.SECTIONS}, layers(parts))


def _follow_dataset(name: str) -> None:
    """Choose the images that a link names."""
    known, now = presets(), current()
    untouched = now["preset"] in known and _as_text(_state()) == _as_text(_parts(known[now["preset"]], numbers=False))
    try:
        if untouched and name not in DATASET_CARDS and not now["transfer"]["source"]:
            settle()
            parts = _parts(known[_FOR_PHOTOS])
            _choose_images(parts, name)
            _replace(parts)
        else:
            use_dataset(name)
    except AtelierError as error:
        st.session_state[state.LINK_PROBLEM] = (str(error), current()["count"])


def _choose_images(parts: Values, name: str) -> None:
    """Put a dataset into the parts of a draft. Raises DataUnavailable as `use_dataset`."""
    data = parts["data"]
    kept = data if parts["transfer"]["source"] else {"image_size": None, "channels": None}
    if name in DATASET_CARDS:
        chosen = Data(dataset=name, image_size=kept["image_size"], channels=kept["channels"])
    else:
        chosen = data_of(name, kept["image_size"] or SCRATCH_SIZE, kept["channels"] or 3)
        if not data["classes"]:
            data["limit"] = None  # it was chosen for tens of thousands of images
            parts["training"]["class_weights"] = True
    data |= {field: getattr(chosen, field) for field in ("dataset", "classes", "image_size", "channels")}
    parts["transfer"]["output"] = False
    _suit_images(data)


def shape_of(data: Values) -> tuple[int, int, int]:
    """(height, width, channels) of the images that the draft's data name."""
    card = _built_in(data)
    height, width, channels = card.input_shape if card else (*PHOTO_SIZE, 3)
    height, width = data["image_size"] or (height, width)
    return height, width, data["channels"] or channels


def not_for_images(data: Values) -> tuple[str, ...]:
    """The settings that must be 0 for the images that the draft's data name."""
    card = _built_in(data)
    if card is None:
        return (*FOR_GARMENTS, *BY_SOFT_LABELS)
    return not_for(dataclasses.replace(card, input_shape=shape_of(data)))


def _built_in(data: Values) -> DatasetCard | None:
    return None if data["classes"] else DATASET_CARDS.get(data["dataset"])


def _suit_images(data: Values) -> None:
    """Set to 0 what the images cannot have, and keep a sentence on it."""
    names = not_for_images(data)
    if lost := [name.replace("_", " ") for name in names if data[name]]:
        data |= dict.fromkeys(names, 0.0)
        *others, last = lost
        words = (f"{', '.join(others)} and {last} are" if others else f"{last} is").capitalize()
        _tell(f"{words} only for Fashion-MNIST in 28×28 pixels: set to 0 now.")


def _vary_photos(data: Values) -> None:
    """Augmentation for a backbone, where there is none; and fewer of a large dataset's images."""
    card = DATASET_CARDS.get(data["dataset"])
    own = bool(data["classes"]) or card is None
    if (own or card.reading != "shape") and not any(data[name] for name in ("flip", "random_affine", "random_crop")):
        data |= PHOTO_AUGMENTATION
    if not own and data["limit"] is None and (card.training_images or 0) > _MANY:
        data["limit"] = _SOME
        _tell(f"It trains on {_SOME:,} images, because a large network takes long for all: see Training examples.")


def _tell(sentence: str) -> None:
    st.session_state[state.DRAFT_NEWS] = f"{st.session_state.get(state.DRAFT_NEWS, '')} {sentence}".strip()


def _begin(parts: Values) -> None:
    """Start a history with these settings."""
    _replace(parts)
    st.session_state[state.DRAFT_HISTORY] = {"states": [_state()], "at": 0}


def _replace(parts: Values) -> None:
    count = st.session_state.get(state.DRAFT, {"count": 0})["count"] + 1
    st.session_state[state.DRAFT] = {**parts, "count": count}


def _state() -> Values:
    return copy.deepcopy({name: part for name, part in st.session_state[state.DRAFT].items() if name != "count"})
