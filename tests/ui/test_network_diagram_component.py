"""What the browser is given of a diagram, and what is believed of its answers."""

from types import SimpleNamespace

import pytest

from cnn.charts import blocks, network_diagram
from cnn.config import INPUT_SHAPE, presets
from cnn.errors import AtelierError
from cnn.ui import state
from cnn.ui.components import network_diagram as component


@pytest.fixture
def shown(monkeypatch):
    """Draws a network: returns how, what was mounted, what the browser says, and what was heard."""
    config = presets()["fast"]
    found = network_diagram(blocks([str(layer) for layer in config.layers], config.rows()), INPUT_SHAPE, [0])
    said = SimpleNamespace(opened=None, folded=None, wanted=None)
    session, mounted, heard = {"key": said}, {}, []
    monkeypatch.setattr(component, "_diagram", lambda **options: mounted.update(options))
    monkeypatch.setattr(component.st, "session_state", session)

    def draw(maps=None) -> dict:
        component.show(
            found,
            "<svg/>",
            "key",
            network="run 1",
            on_open=lambda index: heard.append(("open", index)),
            on_fold=lambda which: heard.append(("fold", which)),
            opened=1,
            maps=maps,
        )
        return mounted["data"]

    return SimpleNamespace(
        draw=draw, said=said, heard=heard, mounted=mounted, session=session, count=len(config.layers)
    )


def test_a_box_is_described_at_its_place(shown):
    data = shown.draw()
    assert [box["block"] for box in data["boxes"][:5]] == [-1, 0, 0, 0, 1]
    assert [box["part"] for box in data["boxes"][:5]] == [False, True, True, True, False]
    assert data["boxes"][1]["output"] == "conv2d" and "14×14" in data["boxes"][1]["facts"][0]
    assert (data["opened"], data["trained"], data["foldable"], data["unfolded"]) == (1, False, True, False)


@pytest.mark.parametrize("said", [-2, 99, "1", True, None, 1.0, [1], "x" * 1000])
def test_only_layers_that_there_are_are_believed(shown, said):
    shown.draw()
    shown.said.opened = shown.said.folded = said
    shown.mounted["on_opened_change"]()
    shown.mounted["on_folded_change"]()
    assert shown.heard == []


def test_what_the_browser_says_is_handed_on(shown):
    shown.draw()
    for opened in (0, shown.count, -1):
        shown.said.opened = opened
        shown.mounted["on_opened_change"]()
    for folded in (0, "all", "none"):
        shown.said.folded = folded
        shown.mounted["on_folded_change"]()
    assert shown.heard == [
        ("open", 0),
        ("open", shown.count),
        ("open", None),
        ("fold", 0),
        ("fold", "all"),
        ("fold", "none"),
    ]


def test_maps_are_made_when_they_are_wanted_and_sent_once(shown):
    made = []

    def maps():
        made.append(1)
        return {"conv2d": {"image": "data:", "words": "9 of 16"}}

    assert shown.draw(maps)["maps"] is None and not made
    shown.said.wanted = "run 1"
    shown.mounted["on_wanted_change"]()
    assert shown.draw(maps)["maps"]["conv2d"]["words"] == "9 of 16"
    assert shown.draw(maps)["maps"] is None and made == [1]
    shown.session[state.maps_wanted("key")] = "another run"  # whose diagram has just gone
    assert shown.draw(maps)["maps"] is None and made == [1]


def test_where_there_are_no_maps_a_sentence_says_why(shown):
    def maps():
        raise AtelierError("The file is damaged.")

    shown.draw(maps)
    shown.said.wanted = "run 1"
    shown.mounted["on_wanted_change"]()
    data = shown.draw(maps)
    assert data["maps"] is None and data["problem"] == "The file is damaged."
