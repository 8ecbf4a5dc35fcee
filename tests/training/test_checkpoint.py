"""The state of a training: written whole, read back exactly, and refused where it is damaged or another network's."""

import errno
from pathlib import Path

import keras
import numpy as np
import pytest

from cnn.config import RunConfig, Training
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, GlobalPooling
from cnn.networks.build import build
from cnn.networks.compile import compile_for_training
from cnn.training import checkpoint
from cnn.training.checkpoint import Restored, UnreadableCheckpoint

CONFIG = RunConfig(
    layers=(Convolution(filters=4, batch_normalisation=True), GlobalPooling(), Dropout(rate=0.4), Dense(units=6)),
    training=Training(optimizer="adamw", learning_rate=0.01, schedule="cosine"),
)
PICTURES = np.random.default_rng(0).random((8, 28, 28, 1), np.float32)
LABELS = np.arange(8, dtype=np.uint8)


def compiled(config: RunConfig = CONFIG) -> keras.Model:
    network = build(config)
    compile_for_training(network, config, total_steps=50)
    network.run_eagerly = True  # a few steps are not worth tracing
    return network


def train(network: keras.Model, steps: int) -> list[dict[str, float]]:
    """Some steps, and the means over them as Keras tells them."""
    return [network.train_on_batch(PICTURES, LABELS, return_dict=True) for _ in range(steps)]


def state(network: keras.Model) -> list[np.ndarray]:
    return [variable.numpy() for variable in [*network.variables, *network.optimizer.variables]]


def equal(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def trained() -> keras.Model:
    network = compiled()
    train(network, 5)
    return network


@pytest.fixture
def file(trained: keras.Model, tmp_path: Path) -> Path:
    assert checkpoint.save(tmp_path / "checkpoint.npz", trained, 3, 5)
    return tmp_path / "checkpoint.npz"


def test_a_restored_network_goes_on_as_if_nothing_had_been(tmp_path):
    """Weights, moving means, momenta, the count of steps, dropout, and the means of loss and accuracy."""
    network = compiled()
    train(network, 5)
    checkpoint.save(tmp_path / "checkpoint.npz", network, 3, 5)
    expected = train(network, 4)

    again = compiled()
    restored = checkpoint.restore(tmp_path / "checkpoint.npz", again)
    assert (restored.epoch, restored.step) == (3, 5)
    checkpoint.set_metrics(again, restored.metrics)
    assert train(again, 4) == expected
    assert equal(state(again), state(network))
    assert int(again.optimizer.iterations) == 9


def test_a_training_that_has_not_begun_can_be_kept(tmp_path):
    """It was paused before its first batch."""
    network = compiled()
    checkpoint.save(tmp_path / "checkpoint.npz", network, 0, 0)
    again = compiled()
    assert checkpoint.restore(tmp_path / "checkpoint.npz", again) == Restored()
    train(network, 2), train(again, 2)
    assert equal(state(again), state(network))


def test_between_two_epochs_the_metrics_are_left_out(trained, tmp_path):
    checkpoint.save(tmp_path / "checkpoint.npz", trained, 3, 0)
    assert checkpoint.restore(tmp_path / "checkpoint.npz", compiled()) == Restored(3, 0, ())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_number_are_not_kept(value, file):
    network, before = compiled(), file.read_bytes()
    weights = network.get_weights()
    weights[0].flat[3] = value
    network.set_weights(weights)
    assert checkpoint.save(file, network, 9, 9) is False
    assert file.read_bytes() == before


def test_a_full_disk_leaves_the_checkpoint_before(trained, file, monkeypatch):
    before = file.read_bytes()

    def write_half(stream, **arrays) -> None:
        stream.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", write_half)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(file, trained, 4, 0)
    assert file.read_bytes() == before and list(file.parent.iterdir()) == [file]


def refused(file: Path, network: keras.Model) -> str:
    before = network.get_weights()
    with pytest.raises(UnreadableCheckpoint) as caught:
        checkpoint.restore(file, network)
    assert equal(network.get_weights(), before), "nothing has been changed"
    return str(caught.value)


@pytest.mark.parametrize("content", [b"", b"junk" * 500, b"PK\x05\x06" + bytes(18)], ids=["empty", "junk", "empty zip"])
def test_what_is_no_checkpoint_is_refused(content, tmp_path):
    (tmp_path / "checkpoint.npz").write_bytes(content)
    assert "checkpoint.npz is damaged" in refused(tmp_path / "checkpoint.npz", compiled())


def test_a_cut_off_checkpoint_is_refused(file):
    file.write_bytes(file.read_bytes()[:-700])
    assert "checkpoint.npz is damaged" in refused(file, compiled())


def test_a_byte_that_a_bad_disk_has_changed_is_noticed_or_does_no_harm(file, trained):
    good, chance = file.read_bytes(), np.random.default_rng(5)
    noticed = 0
    network = compiled()
    for place in chance.integers(0, len(good), 60):
        file.write_bytes(good[:place] + bytes([good[place] ^ 0x5A]) + good[place + 1 :])
        try:
            restored = checkpoint.restore(file, network)
        except UnreadableCheckpoint:
            noticed += 1
        else:
            assert (restored.epoch, restored.step) == (3, 5) and equal(network.get_weights(), trained.get_weights())
    assert noticed >= 30


OTHERS = {
    "wider": (Convolution(filters=5, batch_normalisation=True), GlobalPooling(), Dropout(rate=0.4), Dense(units=6)),
    "deeper": (*CONFIG.layers, Dense(units=10)),
    "shallower": (Flatten(), Dense(units=6)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_checkpoint_of_another_network_is_refused(name, file):
    assert "belongs to another network" in refused(file, compiled(CONFIG.model_copy(update={"layers": OTHERS[name]})))
