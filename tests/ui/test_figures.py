"""Every chart has a menu that saves it and shows its numbers, which are made only when they are asked for."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from cnn import charts
from cnn.ui import figures, state


def page() -> None:
    import plotly.graph_objects as go

    from cnn.ui import figures

    for name in ("one", "two"):
        figure = go.Figure(go.Scatter(x=[1, 2], y=[0.5, 0.25], name="=series"))
        figures.show(figure, key=f"chart-{name}", alt=f"Chart {name}", title="Accuracy")
    figures.show(go.Figure(), key="chart-empty", alt="An empty chart")


@pytest.fixture
def app(monkeypatch) -> AppTest:
    made = []
    table = charts.table
    monkeypatch.setattr(figures.charts, "table", lambda figure: made.append(figure) or table(figure))
    app = AppTest.from_function(page).run()
    app.made = made
    return app


def configs(app: AppTest) -> list[dict]:
    assert not app.exception
    return [json.loads(chart.proto.config) for chart in app.get("plotly_chart")]


def open_menu(app: AppTest, name: str) -> AppTest:
    app.session_state[f"chart-{name}-export"] = True
    return app.run()


def test_a_chart_has_its_title_its_words_and_a_bar_that_saves_it(app):
    assert [chart.proto.alt for chart in app.get("plotly_chart")] == ["Chart one", "Chart two", "An empty chart"]
    assert [line.value for line in app.markdown] == ["**Accuracy**"] * 2
    first, second, _ = configs(app)
    assert first["toImageButtonOptions"] == {"format": "png", "filename": "chart-one", "scale": 2}
    assert second["toImageButtonOptions"]["filename"] == "chart-two"
    assert "displayModeBar" not in first, "it appears on hover"
    assert "toImage" not in first["modeBarButtonsToRemove"]


def test_numbers_are_made_when_the_menu_is_opened(app):
    assert not app.made and not app.dataframe and not app.get("download_button")
    open_menu(app, "two")
    assert len(app.made) == 1
    (table,) = app.dataframe
    assert table.value.values.tolist() == [["=series", 1, 0.5], ["=series", 2, 0.25]]
    (button,) = app.get("download_button")
    assert button.proto.label == "Download CSV" and button.proto.deferred_file_id


def test_a_chart_without_numbers_offers_its_image_only(app):
    open_menu(app, "empty")
    assert app.segmented_control(key="chart-empty-format").value == "PNG"
    assert not app.dataframe and not app.get("download_button")


def test_the_file_is_safe_in_a_spreadsheet(app, monkeypatch):
    kept = []
    monkeypatch.setattr(figures.st, "download_button", lambda _, data, **options: kept.append((data, options)))
    open_menu(app, "one")
    ((make, options),) = kept
    assert options["file_name"] == "chart-one.csv" and options["on_click"] == "ignore"
    assert make().decode("utf-8-sig").splitlines() == ["Series,X,Y", "'=series,1,0.5", "'=series,2,0.25"]


def test_a_format_counts_for_all_charts(app):
    open_menu(app, "one")
    app.segmented_control(key="chart-one-format").set_value("SVG").run()
    assert [config["toImageButtonOptions"]["format"] for config in configs(app)] == ["svg"] * 3
    assert state.FORMAT_CHOSEN not in app.session_state
    open_menu(app, "two")
    assert app.segmented_control(key="chart-two-format").value == "SVG"
