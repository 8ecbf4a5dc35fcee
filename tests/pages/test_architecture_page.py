"""The Architecture page: the summary, the diagram and what it opens, the files."""

import pytest

from cnn.ui import state
from tests.pages.visit import open_page, refresh, text


def test_it_shows_the_lecture_summary():
    app = open_page("Model", "lecture")
    table = app.dataframe[0].value
    assert list(table["parameters"])[:4] == [3200, 0, 73856, 147584]
    assert table["output shape"][0] == "(None, 28, 28, 64)"
    assert "1,413,834" in text(app)
    assert app.get("plotly_chart") and app.get("download_button")


def code(app) -> str:
    return "\n".join(block.value for block in app.code)


def test_a_layer_opens_in_the_table_and_beside_it():
    app = open_page("Model", "lecture")
    assert "Conv2D(filters=64" not in code(app)
    app.selectbox(key=state.MODEL_LAYER).select_index(1)
    app = refresh(app)
    assert "Conv2D(filters=64, kernel_size=7" in code(app)
    opened = [name for name in app.dataframe[0].value["layer"] if name.startswith("▸")]
    assert opened == ["▸ conv2d"]
    assert [link.proto.label for link in app.get("page_link") if "Its" in link.proto.label] == [
        "Its feature maps",
        "Its filters",
    ]


@pytest.mark.parametrize("layer", ["3 · Conv 128 3×3 same relu", "99 · Nothing", "", "None", "x" * 3000])
def test_a_link_opens_a_layer_or_none(layer):
    app = open_page("Model", "lecture", **{state.MODEL_LAYER: layer})
    assert app.selectbox(key=state.MODEL_LAYER).value is not None


def test_a_click_on_a_box_opens_its_layer_and_a_second_one_closes_it():
    from cnn.ui.model import layers

    class Session(dict):
        pass

    session = Session({"model-diagram": {"selection": {"points": [{"customdata": [2]}]}}})
    titles = {1: "2 · Max pool 2", 2: "3 · Flatten"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers.st, "session_state", session)
        layers._clicked(titles, None)
        assert session[state.MODEL_LAYER] == "3 · Flatten"
        layers._clicked(titles, 2)
        assert session[state.MODEL_LAYER] == "None"
