"""The Explore page: every view of it, on shipped networks and on networks of your own."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn import charts, runs
from cnn.config.layers import (
    Convolution,
    Dense,
    Dropout,
    Flatten,
    GlobalPooling,
    InvertedResidual,
    Pooling,
    Rescaling,
    SkipConnection,
)
from cnn.interpret import ablation
from cnn.interpret.faithfulness import SAME
from cnn.networks.forward import Forward
from cnn.networks.load import load
from cnn.runs import time_lapse
from cnn.ui.text import plain
from tests.pages.visit import open_page, own, picker, refresh, text

VIEWS = ("Feature maps", "Filters", "Explain", "Edit", "Embedding")


def open_view(view: str, run: str) -> AppTest:
    app = open_page("Explore", run)
    app.segmented_control(key="view").set_value(view)
    return refresh(app)


def write_out(app: AppTest) -> AppTest:
    """Write out the value in view."""
    app.toggle(key="explore-sum").set_value(True)
    return refresh(app)


def of_map(app: AppTest) -> tuple[int, int, int]:
    """Map, row and column in view, as they are shown."""
    return tuple(app.number_input(key=f"explore-{name}").value for name in ("map", "row", "column"))


# --- feature maps -----------------------------------------------------------------------------------------------


def test_every_layer_opens_and_is_written_out():
    app = open_page("Explore", "lecture")
    assert app.selectbox(key="explore-layer").options == [
        "conv2d", "max_pooling2d", "conv2d_1", "conv2d_2", "max_pooling2d_1", "conv2d_3", "conv2d_4",
        "max_pooling2d_2", "dense", "dense_1", "dense_2",
    ]  # fmt: skip
    for index, words in ((1, "largest value"), (6, "input channels add up"), (8, "inputs add up"), (10, "softmax")):
        app.selectbox(key="explore-layer").select_index(index)
        write_out(refresh(app))
        assert words in text(app)
        difference = next(caption.value for caption in app.caption if "In 64 bits" in caption.value)
        assert float(difference.rsplit(" ", 1)[1].rstrip(".")) < 1e-4


def test_a_block_is_written_out_and_leads_back_to_its_factors():
    block = InvertedResidual(filters=3, expansion=2, squeeze=2, activation="hard_silu")
    run = own(Rescaling(), Convolution(filters=3, stride=4, activation="relu6"), block, Flatten())
    words = {
        "rescaling": "brought to the range that the network expects",
        "conv2d": r"\text{ReLU6}",
        "activation": "The activation, hard SiLU",
        "global_average_pooling2d": "mean value of a window",
        "conv2d_3": r"\text{hard sigmoid}",
        "multiply": "by this map's factor, a value of conv2d_3",
        "add": "A skip connection adds",
    }
    app = write_out(open_page("Explore", run.id))
    for layer, said in words.items():
        app.selectbox(key="explore-layer").set_value(layer)
        refresh(app)
        assert said in text(app) or any(said in formula.value for formula in app.latex), layer
        difference = next(caption.value for caption in app.caption if "In 64 bits" in caption.value)
        assert float(difference.rsplit(" ", 1)[1].rstrip(".")) < 1e-5, layer
    app.selectbox(key="explore-layer").set_value("multiply")
    refresh(app)
    number, *_ = of_map(app)
    app.button(key="walk_back_factor").click()
    refresh(app)
    assert app.selectbox(key="explore-layer").value == "conv2d_3" and of_map(app) == (number, 1, 1)


def test_a_colour_scale_can_be_shared(monkeypatch):
    """By no maps, by those of a layer, or by those of all: 5 blocks end in maps, and the first has two layers."""
    draw, ranges = charts.coloured_maps, []

    def noted(maps, range_=None, *arguments, **options):
        if maps.shape[0] > 1:  # no vector
            ranges.append(range_)
        return draw(maps, range_, *arguments, **options)

    monkeypatch.setattr(charts, "coloured_maps", noted)
    app, found = open_page("Explore", "lecture"), {}
    for scale in charts.RANGES:
        ranges.clear()
        app.segmented_control(key="explore-scale").set_value(scale)
        refresh(app)
        convolution, pooling, all_maps, *network = ranges
        assert len(network) == 5
        found[scale] = [convolution, pooling, all_maps, *network]
    each, layer, whole = found.values()
    assert set(each) == {None}
    assert layer[0] == layer[2], "all maps have the scale of the layer's strip"
    assert layer[1] == layer[3], "the block's strip is that of its last layer"
    assert len(set(layer)) == 5, "a pooling keeps the largest value of its convolution"
    (shared,) = set(whole)
    assert shared == (min(low for low, _ in layer), max(high for _, high in layer))


def test_maps_are_chosen_by_number_and_shown_before_and_after_the_activation():
    app = open_page("Explore", "lecture")
    app.number_input(key="explore-map").set_value(5)
    refresh(app)
    assert "Map 5 of conv2d" in text(app)
    lowest = []
    for stage in ("before", "after"):
        app.segmented_control(key="explore-stage").set_value(stage)
        refresh(app)
        lowest.append(next(c.value for c in app.caption if c.value.startswith("Lowest")))
    assert lowest[0].startswith("Lowest -") and lowest[1].startswith("Lowest 0,")


def test_a_row_and_a_column_choose_the_pixel():
    app = open_page("Explore", "lecture")
    app.number_input(key="explore-map").set_value(5)
    refresh(app)
    write_out(app)
    app.number_input(key="explore-row").set_value(1)
    app.number_input(key="explore-column").set_value(28)
    refresh(app)
    assert "lie in the padding" in text(app), "the upper right corner of a convolution with same padding"


def test_the_frame_in_a_corner_covers_only_pixels_that_count():
    run = own(Convolution(filters=1, dilation=3), Flatten())
    app = write_out(open_page("Explore", run.id))
    for row, column, expected in (
        (1, 28, "rows 1 to 4, columns 25 to 28"),
        (14, 14, "rows 11 to 17, columns 11 to 17"),
    ):
        app.number_input(key="explore-row").set_value(row)
        app.number_input(key="explore-column").set_value(column)
        refresh(app)
        said = next(caption.value for caption in app.caption if "Its receptive field: 7×7" in caption.value)
        assert f"It sees {expected}, with gaps: " in said
        assert ("beyond the border" in said) == (row == 1)
    assert "1 map." in text(app) and "1 maps" not in text(app)


def test_every_kind_of_layer_of_your_own_network_is_written_out():
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
    write_out(app)
    for index in range(len(app.selectbox(key="explore-layer").options)):
        app.selectbox(key="explore-layer").select_index(index)
        refresh(app)
        assert "In 64 bits here" in text(app)


def test_a_network_without_feature_maps_still_opens_in_every_view():
    run = own(Flatten())
    for view in VIEWS:
        app = open_view(view, run.id)
        assert app.title[0].value == "Explore"
    assert "no convolution" in text(open_view("Filters", run.id))
    assert "no filters" in text(open_view("Edit", run.id))


def test_two_images_stand_side_by_side():
    app = open_page("Explore", "lecture")
    app.button(key="pin").click()
    refresh(app)
    app.selectbox(key="explore-class").select("Bag")
    refresh(app)
    assert "Pinned: T" in text(app) and "Bag 1" in text(app) and "pinned image" in text(app)
    app.button(key="swap").click()
    refresh(app)
    assert "Pinned: Bag 1" in text(app)
    app.button(key="unpin").click()
    refresh(app)
    assert "Pinned" not in text(app)


def test_mistakes_are_a_way_in():
    app = open_page("Explore", "lecture")
    app.segmented_control(key="explore-from").set_value("Mistake")
    refresh(app)
    assert "true label" in text(app)


# --- links ------------------------------------------------------------------------------------------------------


def test_a_link_opens_a_layer_a_map_and_a_pixel_written_out():
    link = {"layer": "conv2d_1", "map": "7", "row": "3", "column": "4", "sum": "true", "input": "5", "scale": "layer"}
    app = open_page("Explore", "lecture", **{f"explore-{name}": value for name, value in link.items()})
    assert app.selectbox(key="explore-layer").value == "conv2d_1" and of_map(app) == (7, 3, 4)
    assert app.number_input(key="explore-input").value == 5 and "In 64 bits" in text(app)
    assert app.segmented_control(key="explore-scale").value == "layer"


def test_a_link_to_what_this_network_has_not_opens_what_it_has():
    link = {"explore-layer": "conv2d_77", "explore-map": "900", "explore-row": "0", "explore-column": "x"}
    app = open_page("Explore", "lecture", view="Nowhere", **link)
    assert app.segmented_control(key="view").value == "Feature maps"
    assert app.selectbox(key="explore-layer").value == "conv2d" and 1 <= of_map(app)[0] <= 64


def test_a_layer_of_another_run_falls_back():
    app = open_page("Explore", "lecture", **{"explore-layer": "conv2d_4", "explore-map": "250", "explore-row": "7"})
    assert of_map(app)[0] == 250
    picker(app, "run_picker").set_value("dense")
    refresh(app)
    assert app.selectbox(key="explore-layer").value == "dense" and app.number_input(key="explore-map").value <= 128


def test_another_layer_or_map_begins_at_its_strongest_value():
    app = write_out(
        open_page("Explore", "lecture", **{"explore-map": "3", "explore-row": "28", "explore-column": "28"})
    )
    app.number_input(key="explore-map").set_value(5)
    refresh(app)
    number, *pixel = of_map(app)
    assert number == 5 and pixel != [28, 28]
    app.selectbox(key="explore-layer").set_value("conv2d_4")
    refresh(app)
    fresh = open_page("Explore", "lecture", **{"explore-layer": "conv2d_4"})
    assert of_map(app) == of_map(fresh), "its strongest map, and the highest value of that"
    assert app.toggle(key="explore-sum").value, "it stays written out"


@pytest.mark.parametrize(
    "old, new",
    [
        ("Why", "Explain"),
        *(pytest.param(*pair, marks=pytest.mark.slow) for pair in (("What if", "Edit"), ("Filters", "Filters"))),
    ],
)
def test_links_to_views_open_them_also_by_their_earlier_names(old, new):
    app = open_page("Explore", "lecture", view=old)
    assert app.segmented_control(key="view").value == new
    assert app.query_params["view"] in (new, [new])


@pytest.mark.slow
def test_links_to_the_other_views(own_tiny):
    filters = {"convolution": "conv2d_1", "filter": "9", "channel": "4"}
    app = open_page("Explore", "lecture", view="Filters", **{f"explore-{key}": value for key, value in filters.items()})
    assert app.selectbox(key="explore-convolution").value == "conv2d_1"
    assert [app.number_input(key=f"explore-{key}").value for key in ("filter", "channel")] == [9, 4]
    assert "Filter 9" in text(app)

    explain = {"explore-explained": "Bag", "explore-methods": "Saliency", "explore-cam-layer": "conv2d_1"}
    app = open_page("Explore", "lecture", view="Explain", **explain)
    assert "What speaks for **Bag**" in text(app) and "**Saliency**" in text(app) and "**Occlusion**" not in text(app)
    assert app.selectbox(key="explore-cam-layer").value == "conv2d_1"

    app = open_page("Explore", "lecture", view="Edit", **{"explore-edit": "conv2d_3"})
    assert "The 256 maps of conv2d_3" in text(app)
    app = open_page("Explore", own_tiny.id, **{"explore-epoch": "1"})
    assert app.select_slider(key="explore-epoch").value == "1"


# --- two networks -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_another_network_stands_beside_this_one():
    app = open_page("Explore", "wardrobe", **{"explore-compare": "lecture"})
    assert picker(app, "explore-compare-menu").value == "lecture"
    assert "Wardrobe · 93.8%" in text(app) and "Lecture · 90.9%" in text(app)
    app.segmented_control(key="view").set_value("Explain")
    refresh(app)
    assert text(app).count("**Grad-CAM**") == 2
    assert "conv2d_4" in text(app), "the other network has no activation_8: its last layer with maps"
    picker(app, "explore-compare-menu").set_value(None)
    refresh(app)
    assert text(app).count("**Grad-CAM**") == 1 and "explore-compare" not in app.query_params


@pytest.mark.slow
def test_a_network_without_feature_maps_is_compared_too():
    app = open_page("Explore", "wardrobe", view="Explain", **{"explore-compare": "dense"})
    assert text(app).count("**Occlusion**") == 2 and text(app).count("**Grad-CAM**") == 1


def test_a_run_that_cannot_be_compared_leaves_the_page_as_it_is(own_tiny):
    for run in ("no-such-run", "lecture"):
        app = open_page("Explore", "lecture", **{"explore-compare": run})
        assert picker(app, "explore-compare-menu").value is None
        assert ("no trained run no" in text(app)) == (run != "lecture")
    own_tiny.model_path.write_bytes(b"nothing")
    app = open_page("Explore", "lecture", **{"explore-compare": own_tiny.id})
    assert "cannot be compared" in text(app) and "One layer" in text(app)


# --- through time -----------------------------------------------------------------------------------------------


def test_a_slider_moves_the_network_through_its_epochs(own_tiny):
    assert time_lapse.epochs_with_weights(own_tiny.path) == [1, 2]
    app = open_page("Explore", own_tiny.id)
    statistics = []
    for epoch in ("1", "final"):
        app.select_slider(key="explore-epoch").set_value(epoch)
        refresh(app)
        statistics.append(next(caption.value for caption in app.caption if "standard deviation" in caption.value))
    assert statistics[0] != statistics[1]


# --- filters ----------------------------------------------------------------------------------------------------


def test_filters_have_statistics_and_top_activations(own_tiny):
    app = open_view("Filters", own_tiny.id)
    assert "filters are dead" in text(app) and len(app.dataframe[0].value) == 8
    app.button(key="find_excitement").click()
    for _ in range(60):
        refresh(app)
        if "synthesised for it" in text(app):
            break
    assert "All 8 filters of conv2d" in text(app)
    again = open_view("Filters", own_tiny.id)
    assert "All 8 filters of conv2d" in text(again), "it is kept with the run"


# --- explain ----------------------------------------------------------------------------------------------------


def test_maps_explain_a_prediction_and_are_checked(own_tiny):
    app = open_view("Explain", own_tiny.id)
    app.pills(key="explore-methods").set_value(["Grad-CAM", "Saliency", "Occlusion"])
    refresh(app)
    assert "mean rank correlation" in text(app)
    app.button(key="check_maps").click()
    refresh(app)
    table = app.dataframe[0].value
    assert list(table["method"]) == ["Grad-CAM", "Saliency", "Occlusion"]
    assert table["deletion"].between(0, 1).all() and table["insertion"].between(0, 1).all()


@pytest.mark.slow
def test_the_verdicts_follow_from_the_numbers_beside_them():
    """By the rule that the column's help states; occlusion has signs that change, integrated gradients on black not."""
    app = open_view("Explain", "wardrobe")
    app.pills(key="explore-methods").set_value(["Grad-CAM", "Integrated gradients", "Occlusion"])
    refresh(app)
    app.button(key="check_maps").click()
    refresh(app)
    (table,) = [found.value for found in app.dataframe if "randomised" in found.value]
    for _, row in table.iterrows():
        keeps, keeps_places = row["randomised"] >= SAME, row["without signs"] >= SAME
        expected = "not the network" if keeps else "the network" + " in its signs only" * keeps_places
        assert row["depends on"] == expected, row
    assert table["without signs"].max() >= SAME > table["randomised"].max(), "the two numbers differ"


@pytest.mark.slow
def test_where_grad_cam_plus_plus_is_not_the_papers_the_page_says_so():
    app = open_view("Explain", "wardrobe")
    app.pills(key="explore-methods").set_value(["Grad-CAM++"])
    for layer, is_said in (("batch_normalization_5", True), ("activation_5", False)):
        app.selectbox(key="explore-cam-layer").set_value(layer)
        refresh(app)
        assert (f"{layer} has values below zero" in text(app)) == is_said


def test_any_class_can_be_explained(own_tiny):
    app = open_view("Explain", own_tiny.id)
    menu = app.selectbox(key="explore-explained")
    assert menu.value.endswith(" (predicted)")
    other = next(option for option in menu.options if option != menu.value)
    menu.set_value(other)
    refresh(app)
    assert f"What speaks for **{plain(other)}**" in text(app)
    app.pills(key="explore-methods").set_value([])
    refresh(app)
    assert "Choose a method" in text(app)


# --- edit -------------------------------------------------------------------------------------------------------


def test_an_edit_changes_the_predictions_and_can_be_undone(own_tiny):
    app = open_view("Edit", own_tiny.id)
    before = [metric.value for metric in app.metric]
    app.multiselect(key=f"edited-{own_tiny.id}-conv2d").set_value([1, 2, 3, 4, 5, 6, 7, 8])
    refresh(app)
    app.button(key="ablate").click()
    refresh(app)
    assert [metric.value for metric in app.metric] != before
    assert "ablate filters 1, 2, 3" in text(app)
    app.button(key="undo_operation").click()
    refresh(app)
    assert [metric.value for metric in app.metric] == before and "Edited network" not in text(app)


def test_a_weight_can_be_set_and_other_views_see_it(own_tiny):
    app = open_view("Edit", own_tiny.id)
    app.multiselect(key=f"edited-{own_tiny.id}-conv2d").set_value([1])
    refresh(app)
    app.number_input(key="edit-conv2d-0-(2, 2, 0)").set_value(50.0)
    refresh(app)
    app.button(key="set_weight").click()
    refresh(app)
    assert "set weight (3, 3, 1) of filter 1 of conv2d to 50" in text(app).replace("\\", "")
    app.segmented_control(key="view").set_value("Filters")
    refresh(app)
    assert "Edited network" in text(app)


def test_an_edited_network_is_saved_as_a_new_run(own_tiny):
    app = open_view("Edit", own_tiny.id)
    app.multiselect(key=f"edited-{own_tiny.id}-conv2d").set_value([1])
    refresh(app)
    app.button(key="ablate").click()
    refresh(app)
    app.text_input(key="edited_name").set_value("without the first")
    app.button(key="save_edited").click()
    refresh(app)
    (made,) = [run for run in runs.all_runs() if run.name == "without the first"]
    assert made.state == "finished" and made.evaluation and "ablate filter 1 of conv2d" in made.note
    weights = Forward(load(made)).weights()["conv2d"]
    assert not weights[0][..., 0].any() and weights[0][..., 1].any() and weights[1][0] == 0
    for name in ("Train", "Runs", "Model", "Explore", "Predict"):
        open_page(name, made.id)


def test_every_filter_is_ablated_in_turn(own_tiny):
    app = open_view("Edit", own_tiny.id)
    app.button(key="ablate_each").click()
    for _ in range(60):
        refresh(app)
        if "Accuracy lost on" in text(app):
            break
    assert "by ablating one filter of conv2d at a time" in text(app)
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
