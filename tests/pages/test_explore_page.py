"""The Explore page: every view of it, on shipped networks and on networks of one's own."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn import charts, runs
from cnn.config.layers import Convolution, Dense, Dropout, Flatten, GlobalPooling, Pooling, SkipConnection
from cnn.interpret import ablation
from cnn.interpret.faithfulness import SAME
from cnn.networks.forward import Forward
from cnn.networks.load import load
from cnn.runs import time_lapse
from tests.pages.visit import open_page, own, refresh, text

VIEWS = ("Feature maps", "Filters", "Why", "What if", "Embedding")


def open_view(view: str, run: str) -> AppTest:
    app = open_page("Explore", run)
    app.segmented_control(key="view").set_value(view)
    return refresh(app)


def write_out(app: AppTest) -> AppTest:
    """Write out the value in view; those of a vector are already."""
    if any(button.key == "write_out" for button in app.button):
        app.button(key="write_out").click()
        refresh(app)
    return app


# --- feature maps -----------------------------------------------------------------------------------------------


def test_every_layer_opens_and_is_written_out():
    app = open_page("Explore", "lecture")
    layers = app.selectbox(key="map_layer").options
    assert [option.split(" ·")[0] for option in layers] == [
        "conv2d", "max_pooling2d", "conv2d_1", "conv2d_2", "max_pooling2d_1", "conv2d_3", "conv2d_4",
        "max_pooling2d_2", "dense", "dense_1", "dense_2",
    ]  # fmt: skip
    for index, words in ((1, "largest value"), (6, "input channels add up"), (8, "inputs add up"), (10, "softmax")):
        app.selectbox(key="map_layer").select_index(index)
        write_out(refresh(app))
        assert words in text(app)
        difference = next(caption.value for caption in app.caption if "In 64 bits" in caption.value)
        assert float(difference.rsplit(" ", 1)[1].rstrip(".")) < 1e-4


def test_a_colour_scale_can_be_shared(monkeypatch):
    """By no maps, by those of a layer, or by those of all layers: 8 layers of maps stand in the overview."""
    draw, ranges = charts.coloured_maps, []

    def noted(maps, range_=None, *arguments, **options):
        if maps.shape[0] > 1:  # no vector
            ranges.append(range_)
        return draw(maps, range_, *arguments, **options)

    monkeypatch.setattr(charts, "coloured_maps", noted)
    app, found = open_page("Explore", "lecture"), {}
    for scale in charts.RANGES:
        ranges.clear()
        app.segmented_control(key="scale").set_value(scale)
        refresh(app)
        one_layer, picture, *network = ranges
        assert picture == (0.0, 1.0) and len(network) == 8
        found[scale] = [one_layer, *network]
    each, layer, whole = found.values()
    assert set(each) == {None}
    assert layer[0] == layer[1], "the layer below has the scale of its strip above"
    assert len(set(layer)) == 5, "a pooling keeps the largest value of its convolution"
    (shared,) = set(whole)
    assert shared == (min(low for low, _ in layer), max(high for _, high in layer))


def test_maps_are_chosen_by_number_and_shown_before_and_after_the_activation():
    app = open_page("Explore", "lecture")
    app.number_input(key="map-conv2d").set_value(5)
    refresh(app)
    assert "Map 5 of conv2d" in text(app)
    lowest = []
    for stage in ("before", "after"):
        app.segmented_control(key="map_stage").set_value(stage)
        refresh(app)
        lowest.append(next(c.value for c in app.caption if c.value.startswith("Lowest")))
    assert lowest[0].startswith("Lowest -") and lowest[1].startswith("Lowest 0,")


def test_a_row_and_a_column_choose_the_pixel():
    app = open_page("Explore", "lecture")
    app.number_input(key="map-conv2d").set_value(5)
    refresh(app)
    write_out(app)
    app.number_input(key="row-conv2d-4").set_value(1)
    app.number_input(key="column-conv2d-4").set_value(28)
    refresh(app)
    assert "lie in the padding" in text(app), "the upper right corner of a convolution with same padding"


def test_the_frame_in_a_corner_covers_only_pixels_that_count():
    run = own(Convolution(filters=1, dilation=3), Flatten())
    app = write_out(open_page("Explore", run.id))
    for row, column, expected in (
        (1, 28, "rows 1 to 4, columns 25 to 28"),
        (14, 14, "rows 11 to 17, columns 11 to 17"),
    ):
        app.number_input(key="row-conv2d-0").set_value(row)
        app.number_input(key="column-conv2d-0").set_value(column)
        refresh(app)
        said = next(caption.value for caption in app.caption if "Its receptive field: 7×7" in caption.value)
        assert f"It sees {expected}, with gaps: " in said
        assert ("beyond the border" in said) == (row == 1)
    assert "1 map." in text(app) and "1 maps" not in text(app)


def test_every_kind_of_layer_of_ones_own_network_is_written_out():
    run = own(
        Convolution(filters=6, stride=2, batch_normalisation=True),
        Convolution(filters=6, dilation=2, activation="gelu"),
        SkipConnection(over=1),
        Pooling(mode="average", size=3, stride=2, padding="same"),
        Pooling(mode="depthwise max", size=3),
        Dropout(rate=0.2),
        GlobalPooling(),
        Dense(units=5, activation="tanh"),
    )
    app = open_page("Explore", run.id)
    for index in range(len(app.selectbox(key="map_layer").options)):
        app.selectbox(key="map_layer").select_index(index)
        write_out(refresh(app))
        assert "In 64 bits here" in text(app)


def test_a_network_without_feature_maps_still_opens_in_every_view():
    run = own(Flatten())
    for view in VIEWS:
        app = open_view(view, run.id)
        assert app.title[0].value == "Explore"
    assert "no convolution" in text(open_view("Filters", run.id))
    assert "no filters" in text(open_view("What if", run.id))


def test_two_pictures_stand_side_by_side():
    app = open_page("Explore", "lecture")
    app.button(key="pin").click()
    refresh(app)
    app.selectbox(key="sample_class").select("Bag")
    refresh(app)
    assert "Kept: T" in text(app) and "Bag 1" in text(app) and "kept picture" in text(app)
    app.button(key="swap").click()
    refresh(app)
    assert "Kept: Bag 1" in text(app)
    app.button(key="unpin").click()
    refresh(app)
    assert "Kept" not in text(app)


def test_mistakes_are_a_way_in():
    app = open_page("Explore", "lecture")
    app.segmented_control(key="way").set_value("Mistake")
    refresh(app)
    assert "answered wrongly" in text(app)


# --- through time -----------------------------------------------------------------------------------------------


def test_a_slider_moves_the_network_through_its_epochs(own_tiny):
    assert time_lapse.epochs_with_weights(own_tiny.path) == [1, 2]
    app = open_page("Explore", own_tiny.id)
    answers = []  # what is said of the maps
    for epoch in ("1", "trained"):
        app.select_slider(key=f"epoch-{own_tiny.id}").set_value(epoch)
        refresh(app)
        answers.append(next(caption.value for caption in app.caption if "standard deviation" in caption.value))
    assert answers[0] != answers[1]


# --- filters ----------------------------------------------------------------------------------------------------


def test_filters_have_statistics_and_what_excites_them(own_tiny):
    app = open_view("Filters", own_tiny.id)
    assert "filters are dead" in text(app) and len(app.dataframe[0].value) == 8
    app.button(key="find_excitement").click()
    for _ in range(60):
        refresh(app)
        if "made to excite it" in text(app):
            break
    assert "All 8 filters of conv2d" in text(app)
    again = open_view("Filters", own_tiny.id)
    assert "All 8 filters of conv2d" in text(again), "it is kept with the run"


# --- why --------------------------------------------------------------------------------------------------------


def test_maps_explain_a_prediction_and_are_checked(own_tiny):
    app = open_view("Why", own_tiny.id)
    app.pills(key="why_methods").set_value(["grad_cam", "saliency", "occlusion"])
    refresh(app)
    assert "mean rank correlation" in text(app)
    app.button(key="check_maps").click()
    refresh(app)
    table = app.dataframe[0].value
    assert list(table["method"]) == ["Grad-CAM", "Saliency", "Occlusion"]
    assert table["deletion"].between(0, 1).all() and table["insertion"].between(0, 1).all()


def test_the_verdicts_follow_from_the_numbers_beside_them():
    """By the rule that the column's help states; occlusion has signs that change, integrated gradients on black not."""
    app = open_view("Why", "wardrobe")
    app.pills(key="why_methods").set_value(["grad_cam", "integrated_gradients", "occlusion"])
    refresh(app)
    app.button(key="check_maps").click()
    refresh(app)
    (table,) = [found.value for found in app.dataframe if "scrambled" in found.value]
    for _, row in table.iterrows():
        keeps, keeps_places = row["scrambled"] >= SAME, row["without signs"] >= SAME
        expected = "not about the model" if keeps else "the model" + " in its signs only" * keeps_places
        assert row["about"] == expected, row
    assert table["without signs"].max() >= SAME > table["scrambled"].max(), "the two numbers are told apart"


def test_where_grad_cam_plus_plus_is_not_the_papers_the_page_says_so():
    app = open_view("Why", "wardrobe")
    app.pills(key="why_methods").set_value(["grad_cam_plus_plus"])
    for layer, is_said in (("batch_normalization_5", True), ("activation_5", False)):
        app.selectbox(key="why_layer-wardrobe").set_value(layer)
        refresh(app)
        assert (f"{layer} has values below zero" in text(app)) == is_said


def test_any_class_can_be_asked_for(own_tiny):
    app = open_view("Why", own_tiny.id)
    app.selectbox(key="why_class").set_value(8)
    refresh(app)
    assert "What speaks for **Bag**" in text(app)
    app.pills(key="why_methods").set_value([])
    refresh(app)
    assert "Choose a method" in text(app)


# --- what if ----------------------------------------------------------------------------------------------------


def test_an_operation_moves_the_answers_and_can_be_undone(own_tiny):
    app = open_view("What if", own_tiny.id)
    before = [metric.value for metric in app.metric]
    app.multiselect(key=f"operated-{own_tiny.id}-conv2d").set_value([1, 2, 3, 4, 5, 6, 7, 8])
    refresh(app)
    app.button(key="mute").click()
    refresh(app)
    assert [metric.value for metric in app.metric] != before
    assert "mute filters 1, 2, 3" in text(app)
    app.button(key="undo_operation").click()
    refresh(app)
    assert [metric.value for metric in app.metric] == before and "Operated network" not in text(app)


def test_a_weight_can_be_set_and_other_views_see_it(own_tiny):
    app = open_view("What if", own_tiny.id)
    app.multiselect(key=f"operated-{own_tiny.id}-conv2d").set_value([1])
    refresh(app)
    app.number_input(key="edit-conv2d-0-(2, 2, 0)").set_value(50.0)
    refresh(app)
    app.button(key="set_weight").click()
    refresh(app)
    assert "set weight (3, 3, 1) of filter 1 of conv2d to 50" in text(app).replace("\\", "")
    app.segmented_control(key="view").set_value("Filters")
    refresh(app)
    assert "Operated network" in text(app)


def test_an_operated_network_is_saved_as_a_new_run(own_tiny):
    app = open_view("What if", own_tiny.id)
    app.multiselect(key=f"operated-{own_tiny.id}-conv2d").set_value([1])
    refresh(app)
    app.button(key="mute").click()
    refresh(app)
    app.text_input(key="operated_name").set_value("without the first")
    app.button(key="save_operated").click()
    refresh(app)
    (made,) = [run for run in runs.all_runs() if run.name == "without the first"]
    assert made.state == "finished" and made.evaluation and "mute filter 1 of conv2d" in made.note
    weights = Forward(load(made)).weights()["conv2d"]
    assert not weights[0][..., 0].any() and weights[0][..., 1].any() and weights[1][0] == 0
    for name in ("Train", "Runs", "Model", "Explore", "Predict"):
        open_page(name, made.id)


def test_every_filter_is_muted_in_turn(own_tiny):
    app = open_view("What if", own_tiny.id)
    app.button(key="mute_each").click()
    for _ in range(60):
        refresh(app)
        if "Accuracy lost on" in text(app):
            break
    assert "by muting one filter of conv2d at a time" in text(app)
    assert runs.read_found(own_tiny, "muted-conv2d")["accuracies"].shape == (8,)


def test_a_full_disk_leaves_no_half_of_a_saved_run(own_tiny, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ablation, "write_examples", full)
    forward = Forward(load(own_tiny))
    with pytest.raises(OSError):
        ablation.save(own_tiny, forward.weights(), [], "half")
    assert [run.id for run in runs.all_runs()] == [own_tiny.id]


def test_what_was_found_is_forgotten_when_the_network_changes(own_tiny):
    runs.write_found(own_tiny, "something", numbers=np.arange(3))
    assert runs.read_found(own_tiny, "something")["numbers"].tolist() == [0, 1, 2]
    own_tiny.model_path.write_bytes(own_tiny.model_path.read_bytes() + b" ")
    assert runs.read_found(own_tiny, "something") is None
    assert runs.read_found(own_tiny, "nothing") is None


def test_what_was_found_about_a_shipped_network_lies_beside_the_runs(runs_folder):
    shipped = runs.get("lecture")
    runs.write_found(shipped, "something", numbers=np.arange(3))
    assert runs.read_found(shipped, "something")["numbers"].tolist() == [0, 1, 2]
    assert not (shipped.path / "found").exists() and runs.all_runs() == []
