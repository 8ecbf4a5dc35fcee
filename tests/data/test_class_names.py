"""Which class a folder's name means: Fashion-MNIST's classes, anybody's, digits, and what could mean two."""

import pytest

from cnn.config import CLASS_NAMES
from cnn.data.class_names import label_of, matched

OWN = ("Ankle boot", "long sleeve", "T-shirt/top", "Hüte 🎩", "裤子", "dress")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        *(("Ankle boot", 0), ("ankle_boot", 0), ("7_Ankle_Boots", 0), ("ANKLE-BOOT", 0), ("ankleboot", 0)),
        *(("2_long sleeve", 1), ("Long-Sleeves", 1), ("tshirt", 2), ("T-Shirts", 2), ("top", 2), ("t shirt top", 2)),
        *(("hüte", 3), ("HU\u0308TE", 3), ("裤子", 4), ("3 裤子", 4), ("dresses", 5), ("Dress", 5)),
        *(("hats", None), ("boot", None), ("", None), ("5", None), ("24_May", None), ("shirt", None), ("_", None)),
    ],
)
def test_spelling_counts_little_and_meaning_much(name, label):
    assert label_of(name, OWN) == label


def test_digits_mean_themselves():
    digits = tuple("0123456789")
    assert [label_of(name, digits) for name in ("0", "7", "10", "1_7", "seven")] == [0, 7, None, 7, None]


def test_numbers_of_a_networks_own_classes_are_part_of_their_names():
    classes = ("0_T-shirt_top", "1_Trouser", "9_Ankle_boot")
    assert [label_of(name, classes) for name in (*classes, "trousers", "5_Ankle boot", "T-shirt/top")] == [
        0,
        1,
        2,
        1,
        2,
        0,
    ]


def test_what_could_mean_two_means_none():
    assert label_of("hats", ("hat", "HATS!")) == 1, "the closer spelling counts"
    assert label_of("1 a", ("2 a", "3 a")) is None and label_of("Ab", ("a b", "A-B")) is None


def test_numbers_of_fashion_mnists_classes_must_be_right():
    assert label_of("3_Dress", CLASS_NAMES) == 3 and label_of("none", CLASS_NAMES) is None
    with pytest.raises(ValueError, match="3 is Dress: call it 4_Coat"):
        label_of("3_Coat", CLASS_NAMES)


def test_what_matches_and_what_is_left():
    found = matched(("dresses", "dress", "boots", "top"), OWN)
    assert found.labels == {"dresses": 5, "dress": 5, "top": 2} and found.unknown == ("boots",)
    assert found.missing == ("Ankle boot", "long sleeve", "Hüte 🎩", "裤子")
