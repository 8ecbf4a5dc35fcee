"""What can be made of a trained network: one for other images, a fine-tuned one, and a baseline to compare it with."""

import streamlit as st

from cnn.config import Data, RunConfig, Training, Transfer, presets
from cnn.config.run_config import AUGMENTATIONS
from cnn.config.transfer_learning import extractor, fine_tuning, on_run
from cnn.data import DataUnavailable, data_of, own_datasets
from cnn.data.loading import SCRATCH_SIZE
from cnn.runs import Run
from cnn.ui import draft, shell, state

RETRAIN, FINE_TUNE, BASELINE = "Retrain with other images", "Fine-tune", "Baseline from scratch"
ICONS = {RETRAIN: ":material/autorenew:", FINE_TUNE: ":material/tune:", BASELINE: ":material/start:"}
_HELP = {
    RETRAIN: "A new network for images that you choose: it begins with the layers of this one, frozen, and a new "
    "output layer.",
    FINE_TUNE: "Trains the last third of its layers on at a low learning rate, on the same images, as a new run.",
    BASELINE: "A network with random weights on the same images, to see what the transferred layers are worth.",
}
_LARGE = 50_000_000  # multiply-accumulates of a network that is too slow to be trained from scratch on few images
_EPOCHS = 30  # of a baseline, at least
_SCRATCH_RATE = 0.01  # of a baseline with the layers of Fast, whose own rate is for tens of thousands of images


def actions_of(run: Run) -> list[str]:
    """What can be made of a run."""
    if run.config is None or not run.has_model or run.problem or run.active:
        return []
    return [RETRAIN, FINE_TUNE, *[BASELINE] * bool(run.config.transfer.source)]


def open_(action: str, run: Run) -> None:
    """Open the New network page with the settings for an action. Says in a sentence where that is impossible."""
    with shell.show_errors():
        draft.load(settings_for(action, run))
        st.switch_page(shell.NEW_NETWORK, query_params={"run": st.session_state[state.RUN]})


def offer(run: Run, place: str, suggested: bool = False) -> None:
    """Draw a button for each action, beside each other.

    Args:
        place: what their keys begin with.
        suggested: whether `suggest` has drawn some of them already.
    """
    others = [RETRAIN] if suggested and run.config is not None and is_head_only(run.config) else [*ICONS]
    for action in actions_of(run):
        if action not in others:
            continue
        if st.button(action, icon=ICONS[action], type="tertiary", key=f"{place}-{action}", help=_HELP[action]):
            open_(action, run)


def settings_for(action: str, run: Run) -> RunConfig:
    """The configuration that an action begins with.

    Args:
        run: that has a configuration.
    """
    config = run.config
    assert config is not None
    if action == FINE_TUNE:
        return fine_tuning(run.id, config)
    return from_scratch(config) if action == BASELINE else on_run(run.id, config, _other_images(config.data))


def from_scratch(config: RunConfig) -> RunConfig:
    """A baseline on the same images with random weights: the same layers, or where they are too large, the preset Fast.

    Only images for a small network are made smaller. Augmentation and classes stay.
    """
    fast = presets()["fast"]
    training = config.training
    data = config.data
    layers = config.layers
    if sum(row.macs for row in config.rows()) > _LARGE:
        layers = fast.layers
        data = Data.model_validate(data.model_dump() | {"image_size": SCRATCH_SIZE})
        training = Training(
            **training.model_dump()
            | {"optimizer": fast.training.optimizer, "learning_rate": _SCRATCH_RATE, "schedule": "cosine"}
        )
    training = training.model_copy(update={"epochs": max(training.epochs, _EPOCHS)})
    return RunConfig(preset=None, data=data, layers=layers, training=training, transfer=Transfer())


def is_head_only(config: RunConfig) -> bool:
    """Whether all layers up to the features were frozen, so that there is something left to fine-tune."""
    return bool(config.transfer.source) and config.transfer.frozen >= max(extractor(config.layers), 1)


def suggest(run: Run) -> str | None:
    """Draw what to do after only a new output layer was trained. Returns the action that is to be started."""
    if run.config is None or not is_head_only(run.config) or FINE_TUNE not in actions_of(run):
        return None
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="suggest-fine-tuning"):
        st.markdown(
            "**Next: fine-tune** trains the last third of the layers at a low rate.",
            width="stretch",
            help="It takes longer than a new output layer alone, and is often a little better.",
        )
        for action, kind in ((FINE_TUNE, "primary"), (BASELINE, "secondary")):
            if st.button(action, icon=ICONS[action], type=kind, key=f"start-{action}", help=_HELP[action]):
                return action
    return None


def name_of(action: str, run: Run) -> str:
    """What a run of an action is called."""
    return f"{run.name[:60]}, {'fine-tuned' if action == FINE_TUNE else 'from scratch'}"


def _other_images(present: Data) -> Data:
    """Images to retrain with: those of the draft, else of the first dataset of people's own; else those of the run."""
    if state.DRAFT in st.session_state:
        values = draft.current()["data"]
        if values["classes"] and values["dataset"] != present.dataset:
            return _plain(present, Data.model_validate(values))
    for name in own_datasets.listed():
        if name != present.dataset:
            try:
                return _plain(present, data_of(name))
            except DataUnavailable:
                continue
    return _plain(present, present)


def _plain(present: Data, images: Data) -> Data:
    """The images, varied as those of the run were, without what is mixed in for Fashion-MNIST."""
    varied = {name: getattr(present, name) for name in AUGMENTATIONS}
    chosen = {name: getattr(images, name) for name in ("dataset", "classes", "image_size", "channels")}
    return Data.model_validate({**varied, **chosen})
