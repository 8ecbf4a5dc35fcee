"""What is said about a dataset before training, and which images count as nearly the same."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn.data import near_duplicates, own_datasets
from cnn.data.own_findings import Finding, findings
from tests.data.folders_of_images import encoded, fill, pixels


def found(folder: Path) -> dict[str, Finding]:
    return {one.kind: one for one in findings(own_datasets.get(folder).listing())}


def test_a_good_dataset_needs_no_words(tmp_path):
    assert found(fill(tmp_path / "good", {"a": 12, "b": 30})) == {}


def test_few_images_empty_classes_and_unequal_ones_are_said(tmp_path):
    said = found(fill(tmp_path / "bad", {"a": 40, "b": 9, "c": 2, "empty": 0}))
    assert set(said) == {"empty", "few", "unequal"}
    assert said["empty"].text == "empty has no image, and will be left out."
    assert said["few"].text.startswith("b (9), c (2) have fewer than 10 images")
    assert said["few"].text.endswith("With fewer than 3, none is kept for measuring.")
    assert "a has 40 images, c 2" in said["unequal"].text
    assert "unequal" not in found(fill(tmp_path / "thrice", {"a": 30, "b": 10}))
    assert "unequal" in found(fill(tmp_path / "more", {"a": 31, "b": 10}))


def test_copies_are_found_and_those_with_two_labels_named(tmp_path):
    folder = fill(tmp_path / "copies", {"a": 12, "b": 12}, edge=160)
    for number in (1, 2):
        (folder / "a" / f"copy {number}.png").write_bytes((folder / "a" / f"00{number}.png").read_bytes())
    smaller = Image.fromarray(pixels(3, 160)).resize((120, 120))
    (folder / "b" / "nearly.jpg").write_bytes(encoded(np.asarray(smaller), "JPEG", quality=80))
    said = found(folder)
    assert said["duplicates"].text.startswith("4 images are the same files, in 2 groups. Nothing new")
    assert [{image.name for image in group} for group in said["duplicates"].groups] == [
        {"001.png", "copy 1.png"},
        {"002.png", "copy 2.png"},
    ]
    assert said["near duplicates"].text == (
        "2 images are nearly the same. 1 group of them is in different classes, such as a and b: one of the labels is "
        "wrong."
    )


def test_files_that_are_left_out_are_said(tmp_path):
    folder = fill(tmp_path / "files", {"a": 12, "b": 12})
    (folder / "a" / "x.txt").write_text("no image")
    (folder / "list.csv").write_text("x")
    said = found(folder)
    assert said["unreadable"].text.startswith("1 file cannot be read and is left out: a/x.txt. ")
    assert said["passed over"].text == "list.csv is passed over: it is no image in a class's folder."


# ---------------------------------------------------------------- near duplicates


def scene(seed: int) -> Image.Image:
    """Something like a photo: soft areas of colour with noise, 300 × 400."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(0, 256, (7, 5, 3), np.uint8)).resize((300, 400), Image.Resampling.BICUBIC)
    return Image.fromarray(np.uint8(np.clip(np.asarray(soft) + rng.normal(0, 6, (400, 300, 3)), 0, 255)))


def test_copies_that_were_saved_again_or_made_smaller_are_near_duplicates(tmp_path):
    originals = [scene(seed) for seed in range(20)]
    copies = []
    for number, image in enumerate(originals):
        image.resize((180, 240)).save(tmp_path / f"{number}.jpg", quality=75)
        copies.append(Image.open(tmp_path / f"{number}.jpg"))
    signatures = [near_duplicates.signature(image) for image in (*originals, *copies)]
    assert near_duplicates.pairs(signatures).tolist() == [[number, number + 20] for number in range(20)]
    assert near_duplicates.groups(signatures).tolist() == [*range(20), *range(20)]
    assert {len(one) for one in signatures} == {near_duplicates.BYTES}


def test_plain_images_of_different_colours_are_different():
    plain = [Image.new("RGB", (50, 50), colour) for colour in ("red", "blue", "#fe0000", "white")]
    assert near_duplicates.pairs([near_duplicates.signature(one) for one in plain]).tolist() == [[0, 2]]


def test_groups_are_linked_over_several_steps_and_none_is_fine():
    """The first is near the second, the second near the third; the first and the third differ in more places."""
    base = np.repeat([0, 1], 128).astype(np.uint8)
    chain = [base.copy() for _ in range(3)]
    chain[1][:20] = chain[2][:40] = 1
    signatures = [np.packbits(bits).tobytes() + bytes(48) for bits in chain]
    assert near_duplicates.pairs(signatures).tolist() == [[0, 1], [1, 2]]
    assert near_duplicates.groups(signatures).tolist() == [0, 0, 0]
    assert near_duplicates.groups([]).tolist() == [] and near_duplicates.pairs([]).shape == (0, 2)


@pytest.mark.slow
def test_ten_thousand_images_are_compared_in_seconds():
    rng = np.random.default_rng(0)
    signatures = [rng.bytes(near_duplicates.BYTES) for _ in range(10_000)]
    signatures[9_999] = signatures[5]
    before = time.process_time()
    assert near_duplicates.pairs(signatures).tolist() == [[5, 9_999]]
    assert time.process_time() - before < 60
