"""The Architecture page: the totals, the table, the diagram, what opens in them, and a second network beside."""

import csv
import io

import pytest

from cnn import runs
from cnn.config import presets
from cnn.config.layers import Convolution, Dropout, Flatten
from cnn.ui import state
from cnn.ui.model import diagram, maps, side_by_side, table, totals
from tests.pages.visit import make_run, open_page, own, picker, refresh, text

LAYER = state.MODEL.layer


def code(app) -> str:
    return "\n".join(block.value for block in app.code)


def drawn(app) -> list[str]:
    """The diagrams on the page, as they were sent to the browser."""
    found = [element.proto for element in app.get("bidi_component")]
    return [proto.json for proto in found if proto.component_name.endswith("network_diagram")]


def test_it_shows_the_lecture_summary():
    app = open_page("Model", "lecture")
    shown = app.dataframe[0].value
    assert list(shown["parameters"])[:4] == [3200, 0, 73856, 147584]
    assert shown["output shape"][0] == "(None, 28, 28, 64)"
    first = dict(shown.iloc[0])
    assert (first["kernel"], first["stride"], first["padding"], first["dilation"]) == ("7×7", "1", "same", "1")
    assert (first["activation"], first["memory"], first["MACs"]) == ("relu", 28 * 28 * 64 * 4, 2_458_624)
    assert (first["receptive field"], first["jump"]) == ("7×7", "1")
    assert "1,413,834" in text(app)
    assert len(drawn(app)) == 1 and app.get("download_button")


@pytest.mark.parametrize("condition", ["queued", "training", "stopped"])
def test_it_works_before_there_is_a_network(condition):
    run = make_run(condition)
    app = open_page("Model", run.id)
    assert len(app.dataframe[0].value) == len(run.config.rows())
    assert "1,546" in text(app) and "can be downloaded after the first epoch" in text(app)
    (sent,) = drawn(app)
    assert '"trained":false' in sent.replace(" ", "")


def test_the_page_opens_without_tensorflow(monkeypatch):
    from cnn.ui import preload

    def refuse():
        raise AssertionError("the page loads TensorFlow")

    monkeypatch.setattr(preload, "tensorflow", refuse)
    open_page("Model", "wardrobe", **{state.MODEL_COMPARE: "lecture"})


def test_a_layer_opens_in_the_table_and_beside_it_with_its_arithmetic():
    app = open_page("Model", "lecture")
    assert "Conv2D(filters=64" not in code(app)
    app.selectbox(key=LAYER).select_index(1)
    app = refresh(app)
    assert "Conv2D(filters=64, kernel_size=7" in code(app)
    assert "7·7·1·64 + 64 = 3,200" in text(app)
    assert "floor((28 + 2·3 − 7)/1) + 1 = 28" in text(app)
    opened = [name for name in app.dataframe[0].value["layer"] if name.startswith("▸")]
    assert opened == ["▸ conv2d"]
    assert [link.proto.label for link in app.get("page_link") if "Its" in link.proto.label] == [
        "Its feature maps",
        "Its filters",
    ]


def test_the_arithmetic_stands_in_the_table_on_demand():
    app = open_page("Model", "lecture", **{state.MODEL_ARITHMETIC: "true"})
    shown = app.dataframe[0].value
    assert shown["parameters, written out"][0] == "7·7·1·64 + 64 = 3,200"
    assert shown["MACs, written out"][0] == "28·28·7·7·1·64 = 2,458,624"
    assert "parameters, written out" not in open_page("Model", "lecture").dataframe[0].value


@pytest.mark.parametrize("layer", ["3 · Conv 128 3×3 same relu", "99 · Nothing", "", "None", "x" * 3000])
def test_a_link_opens_a_layer_or_none(layer):
    app = open_page("Model", "lecture", **{LAYER: layer})
    assert app.selectbox(key=LAYER).value is not None


@pytest.mark.parametrize(
    ("said", "groups"), [("all", 6), ("1", 1), ("1-2", 2), ("3", 0), ("99", 0), ("x--1", 1), ("", 0), ("1" * 4000, 0)]
)
def test_a_link_unfolds_layers_or_none(said, groups):
    run = runs.create(presets()["fast"], "to be unfolded")
    (sent,) = drawn(open_page("Model", run.id, **{state.MODEL.unfolded: said}))
    found = sent.count('class=\\"frame\\"')
    many = sum(len([r for r in run.config.rows() if r.layer == index]) > 1 for index in range(len(run.config.layers)))
    assert found == (many if said == "all" else groups)


def test_a_click_opens_a_layer_and_folds_change_the_link(monkeypatch):
    config = presets()["lecture"]
    blocks = side_by_side.charts.blocks([str(layer) for layer in config.layers], config.rows())
    session, link = {}, {}
    monkeypatch.setattr(diagram.st, "session_state", session)
    diagram.open_layer(blocks, state.MODEL, 2)
    assert session[LAYER] == "3 · Conv 128 3×3 same relu"
    diagram.open_layer(blocks, state.MODEL, None)
    assert session[LAYER] == "None"
    monkeypatch.setattr(diagram.links, "write", link.__setitem__)
    fold = diagram._fold(state.MODEL, {0, 4})
    for which, said in [(2, "1-3-5"), (4, "1"), ("all", "all"), ("none", None)]:
        fold(which)
        assert link == {state.MODEL.unfolded: said}
    diagram._fold(state.MODEL, {0})(0)
    assert link == {state.MODEL.unfolded: None}


def test_the_csv_file_has_every_number_and_its_arithmetic():
    rows = presets()["lecture"].rows()
    lines = list(csv.DictReader(io.StringIO(table._csv(rows).decode("utf-8-sig"))))
    assert [line["layer"] for line in lines] == [row.name for row in rows]
    assert [int(line["parameters"]) for line in lines] == [row.parameters for row in rows]
    assert sum(float(line["fraction of MACs"]) for line in lines) == pytest.approx(1)
    assert lines[0]["parameters, written out"] == "7·7·1·64 + 64 = 3,200"


def test_feature_maps_of_the_example_image_for_every_layer():
    run = runs.get("lecture")
    found = maps.of(run)
    assert set(found) == {"input", *(row.name for row in run.config.rows())}
    assert all(shown["image"].startswith("data:image/png;base64,") and shown["words"] for shown in found.values())
    assert "9 of 64 feature maps" in found["conv2d"]["words"] and "T-shirt" in found["input"]["words"]
    assert found["dense_2"]["words"].startswith("Predicted: ")
    assert sum(len(shown["image"]) for shown in found.values()) < 500_000


def test_a_run_without_an_example_says_so():
    with pytest.raises(maps.NoExample, match="keeps no test image"):
        maps.of(own(Convolution(filters=4), Flatten()))


def test_two_networks_side_by_side():
    app = open_page("Model", "wardrobe", **{state.MODEL_COMPARE: "lecture"})
    assert len(drawn(app)) == 2
    sizes, layers = (frame.value for frame in app.dataframe[:2])
    assert list(sizes["Parameters"][:2]) == ["881,130", "1,413,834"]
    assert sizes["Parameters"][2] == "+532,704 (+60.5%)" and sizes["Test accuracy"][2] == "−2.93 points"
    assert {"same", "changed", "removed", "added"} == set(layers["mark"])
    for side, run in (("", "wardrobe"), (", other", "lecture")):
        assert sum(int(cell.replace(",", "") or 0) for cell in layers[f"parameters{side}"]) == sum(
            row.parameters for row in runs.get(run).config.rows()
        )
    changed = layers[layers["mark"] == "changed"].iloc[0]
    assert "Filters 32 → 64" in changed["changes"] and "Kernel size 3 → 7" in changed["changes"]
    first, second = drawn(app)
    assert "removed" in first and ">added<" not in first and "added" in second and ">removed<" not in second


def test_each_of_two_networks_opens_its_own_layer():
    app = open_page("Model", "lecture", **{state.MODEL_COMPARE: "dense", state.MODEL_OTHER.layer: "1 · Flatten"})
    assert "Flatten()" in code(app) and "Conv2D" not in code(app)
    app.selectbox(key=LAYER).select_index(1)
    app = refresh(app)
    assert "Flatten()" in code(app) and "Conv2D(filters=64" in code(app)


def test_a_comparison_begins_and_ends_with_the_menu():
    app = open_page("Model", "lecture")
    picker(app, f"{state.MODEL_COMPARE}-menu").select("dense")
    app = refresh(app)
    assert len(drawn(app)) == 2 and app.query_params[state.MODEL_COMPARE] in ("dense", ["dense"])
    picker(app, f"{state.MODEL_COMPARE}-menu").select(None)
    app = refresh(app)
    assert len(drawn(app)) == 1 and state.MODEL_COMPARE not in app.query_params


def test_a_network_is_compared_before_it_is_trained_and_with_itself_in_all_but_name():
    one, other = make_run("queued"), make_run("stopped")
    app = open_page("Model", one.id, **{state.MODEL_COMPARE: other.id})
    assert set(app.dataframe[1].value["mark"]) == {"same"}
    assert set(app.dataframe[0].value.iloc[2][1:]) == {"none"}
    app = open_page("Model", one.id, **{state.MODEL_COMPARE: "nobody"})
    assert "There is no run nobody to compare with" in text(app).replace("\\", "")


def test_differences_in_words():
    many, few = own(Convolution(filters=64), Flatten()), own(Dropout(rate=0.1), Flatten())
    shown = totals.compared(few, many, ["few", "many"])
    assert shown["Parameters"][2].startswith("+") and "×" in shown["Parameters"][2]
    assert totals.compared(many, few, ["many", "few"])["Parameters"][2].startswith("−")
    assert [totals.size(count) for count in (12, 50_176, 1_204_224)] == ["12 B", "50.2 kB", "1.2 MB"]
