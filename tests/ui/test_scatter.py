"""What the browser is given of a map of pictures, and what is believed of its answers."""

import base64
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from cnn.config import CLASS_NAMES
from cnn.ui.components import scatter
from cnn.ui.components.scatter import LOOKS, Mark, Points

IMAGES = np.random.default_rng(2).integers(0, 256, (23, 28, 28), dtype=np.uint8)


def opened(url: str) -> np.ndarray:
    _, _, content = url.partition(",")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_every_picture_is_cut_out_of_the_sheet_as_it_was():
    url, columns, height, width = scatter.sheet(IMAGES)
    assert url.startswith("data:image/png;base64,") and (height, width) == (28, 28)
    whole = opened(url)
    for index, image in enumerate(IMAGES):
        top, left = 28 * (index // columns), 28 * (index % columns)
        assert np.array_equal(whole[top : top + 28, left : left + 28], image), index


def test_large_colour_images_travel_reduced_and_in_their_proportions():
    images = np.zeros((5, 120, 160, 3), np.uint8)
    images[:] = np.array([(250, 0, 0), (0, 250, 0), (0, 0, 250), (90, 90, 90), (250, 250, 0)], np.uint8)[:, None, None]
    url, columns, height, width = scatter.sheet(images)
    whole = opened(url)
    assert (height, width) == (36, 48) and url.startswith("data:image/jpeg;base64,")
    for index, image in enumerate(images):
        middle = whole[36 * (index // columns) + 18, 48 * (index % columns) + 24]
        assert np.abs(middle.astype(int) - image[0, 0]).max() <= 4, index


MARK = Mark(np.array([1.0, 1.00004]), "<b>mine</b>", "Bag 40%", "data:image/png;base64,AAAA")


@pytest.fixture
def points() -> Points:
    return Points(
        np.array([[0.123456, 2], [3, -4.5]]),
        np.array([3, 9], np.uint8),
        CLASS_NAMES,
        ["Dress 1", "Ankle boot 1"],
        ["Dress 90%", "Bag 51%"],
        np.array([False, True]),
        scatter.sheet(IMAGES[:2]),
    )


def test_what_is_sent_of_a_point_stands_at_its_index(points):
    sent = scatter.sent(points, MARK)
    assert sent["places"] == [[0.1235, 2.0], [3.0, -4.5]]
    assert [sent["classes"][label]["name"] for label in sent["labels"]] == ["Dress", "Ankle boot"]
    assert (sent["names"][1], sent["answers"][1], sent["wrong"][1]) == ("Ankle boot 1", "Bag 51%", True)
    assert sent["mark"] == {"place": [1.0, 1.0], "name": "<b>mine</b>", "answer": "Bag 40%", "picture": MARK.picture}
    assert opened(sent["sheet"]).shape == (56, 28) if sent["columns"] == 1 else (28, 56)
    assert sent["axes"] is None


def test_what_the_browser_says_is_handed_on(points, monkeypatch):
    said = SimpleNamespace(picked=1, lassoed=[0, 7, 1])
    mounted, heard = {}, []
    monkeypatch.setattr(scatter, "_scatter", lambda **options: mounted.update(options))
    monkeypatch.setattr(scatter.st, "session_state", {"map": said})
    scatter.show(points, MARK, "map", "A map.", heard.append, heard.append, picked=1, gathered=(0,), only_wrong=True)
    given = mounted["data"]
    assert (given["picked"], given["gathered"], given["onlyWrong"], given["label"]) == (1, [0], True, "A map.")
    mounted["on_picked_change"]()
    mounted["on_lassoed_change"]()
    assert heard == [1, [0, 1]]
    said.picked = 2  # of two
    mounted["on_picked_change"]()
    assert heard == [1, [0, 1]]


def test_no_two_of_ten_classes_share_a_colour_or_a_shape_and_no_two_of_200_look_the_same():
    assert [scatter.look(label) for label in range(10)] == list(LOOKS)
    assert len({look.colour.lower() for look in LOOKS}) == len({look.shape for look in LOOKS}) == 10
    assert len({scatter.look(label) for label in range(200)}) == 200
    assert all(re.fullmatch("#[0-9A-Fa-f]{6}", look.colour) for look in LOOKS)


@pytest.mark.parametrize(
    "answer, believed",
    [([0, 4], [0, 4]), ([5, -1, 2], [2]), (["1", 1.0, True, None], []), ("012", []), (None, []), ({"0": 1}, [])],
)
def test_only_places_in_the_list_are_believed(answer, believed):
    assert scatter.known(answer, 5) == believed
