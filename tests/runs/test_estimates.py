"""How long a training will take: by this machine's runs, else by what was measured."""

import pytest

from cnn import runs
from cnn.config import PRESET_CARDS, Data, RunConfig, presets
from cnn.config.transfer_learning import on_backbone
from cnn.runs.estimates import estimate

FAST = presets()["fast"]


def finished(config: RunConfig, seconds: float, epochs: int | None = None) -> runs.Run:
    run = runs.create(config, "Mine")
    (run.path / "model.keras").touch()
    runs.write_status(run.path, runs.Status("finished", epoch=epochs or config.training.epochs, seconds=seconds))
    return runs.read(run.path)


def changed(config: RunConfig, section: str, **values) -> RunConfig:
    return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})


@pytest.mark.parametrize("name", [name for name, card in PRESET_CARDS.items() if card.measured.seconds])
def test_without_a_run_a_preset_takes_what_was_measured(name):
    found = estimate(presets()[name], runs.shipped())
    measured = PRESET_CARDS[name].measured
    assert found.seconds == pytest.approx(measured.seconds) and found.exact
    assert found.run is None and found.machine == measured.machine


def test_a_run_of_this_machine_goes_before_what_was_measured():
    own = finished(FAST, 90.0)
    found = estimate(changed(changed(FAST, "training", epochs=6), "data", limit=27_500), runs.listed())
    assert found.seconds == pytest.approx(90.0) and found.run == own and found.exact


def test_a_run_that_stopped_early_counts_for_the_epochs_that_it_made():
    finished(FAST, 30.0, epochs=1)
    assert estimate(FAST, runs.listed()).seconds == pytest.approx(90.0)


def test_a_different_network_is_judged_by_its_work():
    own = finished(FAST, 90.0)
    found = estimate(presets()["lecture"], runs.listed())
    assert found.run == own and not found.exact
    assert found.seconds > 90.0 * 10 / 3 * 5, "ten epochs, and more work for each image"


def test_an_unfinished_run_and_one_without_a_time_tell_nothing():
    run = finished(FAST, 0.0)
    runs.write_status(runs.create(FAST).path, runs.Status("stopped", epoch=1, seconds=10.0))
    assert estimate(FAST, runs.listed()).run is None and run.state == "finished"


# --- frozen layers ----------------------------------------------------------------------------------------------

PHOTOS = {"dataset": "Shoes", "classes": ("Boot", "Sandal"), "image_size": (288, 288)}


def frozen_lite2(frozen: int = 25, epochs: int = 30, **data) -> RunConfig:
    config = on_backbone("efficientnet-lite2", Data(**PHOTOS, **data))
    return config.model_copy(
        update={
            "transfer": config.transfer.model_copy(update={"frozen": frozen}),
            "training": config.training.model_copy(update={"epochs": epochs}),
        }
    )


def test_features_of_frozen_layers_cost_a_forward_pass_for_each_view_once():
    once, views = estimate(frozen_lite2(epochs=1), [], images=320).seconds, frozen_lite2().transfer.views
    assert (320 + 40) / once == pytest.approx(52, rel=0.1), "images a second, as measured on two cores"
    assert estimate(frozen_lite2(epochs=1, flip=True), [], images=320).seconds / once == pytest.approx(
        (views + 1 / 8) / (1 + 1 / 8), rel=0.02
    )
    later = (
        estimate(frozen_lite2(epochs=101), [], images=200).seconds
        - estimate(frozen_lite2(epochs=1), [], images=200).seconds
    ) / 100
    assert 0 < later < 0.5, "seconds of an epoch on kept features"


def test_layers_that_are_trained_on_cost_much_more_and_more_the_fewer_are_frozen():
    seconds = [estimate(frozen_lite2(frozen), [], images=200).seconds for frozen in (25, 16, 0)]
    assert seconds[0] * 2 < seconds[1] < seconds[2]


def test_the_images_of_people_s_own_datasets_are_counted_as_far_as_they_are_known():
    config = RunConfig(data=PHOTOS, layers=FAST.layers, training=FAST.training)
    few, many = (estimate(config, [], images=images).seconds for images in (100, 400))
    assert many == pytest.approx(4 * few)
    assert estimate(config, []).seconds == pytest.approx(10 * few), "nobody has counted"
    run = runs.create(config, "Shoes")
    (run.path / "model.keras").touch()
    epochs = config.training.epochs
    status = runs.Status("finished", epoch=epochs, steps=1, seconds=6.0)
    runs.write_status(run.path, status)
    images = config.training.batch_size
    found = estimate(config, runs.listed(), images=2 * images)
    assert found.exact and found.seconds == pytest.approx(12.0)


def test_features_that_are_too_large_to_be_kept_are_computed_in_every_epoch():
    def config(epochs: int) -> RunConfig:
        base = frozen_lite2(frozen=3, epochs=epochs)  # 144×144×16 values of an image
        assert not base.data.limit
        return base

    whole, half = (estimate(config(epochs), [], images=20_000).seconds for epochs in (10, 5))
    assert whole == pytest.approx(2 * half)


def test_a_run_on_kept_features_is_no_measure_because_its_time_has_only_the_head():
    before = estimate(FAST, runs.listed())
    run = runs.create(frozen_lite2(), "Head")
    (run.path / "model.keras").touch()
    runs.write_status(run.path, runs.Status("finished", epoch=30, steps=5, seconds=3.0))
    assert estimate(FAST, runs.listed()) == before
    assert estimate(frozen_lite2(), runs.listed(), images=160).run is None
    finished(FAST, 90.0)
    assert estimate(frozen_lite2(), runs.listed(), images=160).run.name == "Mine"
