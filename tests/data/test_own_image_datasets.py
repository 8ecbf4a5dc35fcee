"""A folder of class folders as a dataset: classes, splits, pixels, what a run is configured with, what is refused."""

import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn import data, disk
from cnn.config import Data
from cnn.data import DataUnavailable, array_cache, image_folders, own_datasets, own_images, own_splits
from cnn.pictures.photo import photo
from tests.data.folders_of_images import encoded, fill, pixels, png

SMALL = {"size": (16, 20), "channels": 3}


@pytest.fixture
def shoes(tmp_path: Path) -> Path:
    return fill(tmp_path / "elsewhere" / "shoes", {"Boot": 20, "sandal": 10, "Ärmel 👟": 3})


def written_in(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_a_folder_is_what_a_run_is_configured_with(shoes):
    config = data.data_of(shoes, **SMALL)
    assert config.classes == ("Boot", "sandal", "Ärmel 👟") and config.dataset == str(shoes)
    assert config.card.input_shape == (16, 20, 3) and config.card.own and config.card.title == "shoes"
    assert data.data_of(str(shoes), **SMALL) == config


def test_the_splits_are_stratified_and_every_image_is_in_one(shoes):
    splits = data.load(data.data_of(shoes, **SMALL))
    assert [np.bincount(getattr(splits, name).labels).tolist() for name in ("train", "validation", "test")] == [
        [18, 8, 1],
        [1, 1, 1],
        [1, 1, 1],
    ]
    every = np.concatenate([splits.train.images, splits.validation.images, splits.test.images])
    assert every.dtype == splits.train.labels.dtype == np.uint8 and every.shape == (33, 16, 20, 3)
    expected = {photo(Image.fromarray(pixels(number)), (16, 20), 3).tobytes() for number in range(33)}
    assert {image.tobytes() for image in every} == expected
    labels = {photo(Image.fromarray(pixels(n)), (16, 20), 3).tobytes(): (n >= 20) + (n >= 30) for n in range(33)}
    assert [labels[image.tobytes()] for image in splits.train.images] == splits.train.labels.tolist()


def test_of_a_class_of_forty_images_a_tenth_is_kept_each(tmp_path):
    fill(tmp_path / "hats", {"few": 39, "many": 40})
    splits = data.load(data.data_of(tmp_path / "hats", **SMALL))
    assert np.bincount(splits.validation.labels).tolist() == np.bincount(splits.test.labels).tolist() == [2, 4]


def test_the_images_are_a_file_that_is_mapped_and_nothing_is_written_into_the_folder(shoes):
    before = written_in(shoes)
    splits = data.load(data.data_of(shoes, **SMALL))
    assert isinstance(splits.train.images, np.memmap) and not splits.train.images.flags.writeable
    assert written_in(shoes) == before
    assert own_datasets.root() == shoes.parents[1] / "datasets", "beside the runs"


def test_the_second_time_nothing_is_decoded(shoes, monkeypatch):
    config = data.data_of(shoes, **SMALL)
    first = data.load(config)
    image_folders._kept_index.cache_clear()  # as in another process
    monkeypatch.setattr(image_folders, "open_image", lambda source: pytest.fail("decoded again"))
    assert data.data_of(shoes, **SMALL) == config
    assert np.array_equal(data.load(config).train.images, first.train.images)


def test_of_a_dataset_that_has_grown_only_the_new_images_are_decoded(shoes, monkeypatch):
    config = data.data_of(shoes, **SMALL)
    data.load(config)
    (shoes / "Boot" / "new.png").write_bytes(png(99))
    opened = []
    open_image = image_folders.open_image
    monkeypatch.setattr(image_folders, "open_image", lambda source: opened.append(source) or open_image(source))
    splits = data.load(config)
    assert sum(len(getattr(splits, name).labels) for name in ("train", "validation", "test")) == 34
    assert opened == [png(99), png(99)], "once for what it is, once for its pixels"


def test_names_and_order_of_files_do_not_count(shoes, tmp_path):
    one = data.load(data.data_of(shoes, **SMALL))
    other = shutil.copytree(shoes, tmp_path / "copy")
    for number, file in enumerate(sorted(other.glob("*/*"), reverse=True)):
        file.rename(file.with_name(f"{number}.png"))
    two = data.load(data.data_of(other, **SMALL))
    assert np.array_equal(one.train.images, two.train.images) and np.array_equal(one.test.labels, two.test.labels)
    assert data.fingerprint(data.data_of(shoes, **SMALL)) == data.fingerprint(data.data_of(other, **SMALL))


def test_near_duplicates_are_on_one_side_across_classes_too(tmp_path):
    folder = fill(tmp_path / "twins", {"a": 12, "b": 12}, edge=160)
    for number in range(12):
        smaller = np.asarray(Image.fromarray(pixels(number, 160)).resize((120, 120)))
        (folder / "b" / f"copy {number}.jpg").write_bytes(encoded(smaller, "JPEG", quality=90))
    parts = own_images.OwnImages(data.data_of(folder, **SMALL)).parts()
    side = {f"{image.class_name}/{image.name}": place for place, part in enumerate(parts) for image in part}
    assert len(side) == 36 and set(side.values()) == {0, 1, 2}
    assert all(side[f"a/{number:03}.png"] == side[f"b/copy {number}.jpg"] for number in range(12))


def test_a_limit_takes_training_images_of_all_classes_and_leaves_the_others(shoes):
    config = data.data_of(shoes, **SMALL)
    whole, limited = data.load(config), data.load(config.model_copy(update={"limit": 6}))
    assert np.array_equal(limited.train.images, whole.train.images[:6])
    assert np.bincount(limited.train.labels, minlength=3).tolist() in ([4, 2, 0], [3, 2, 1], [4, 1, 1])
    assert np.array_equal(limited.test.images, whole.test.images)


def test_grey_images_have_no_last_axis(shoes):
    splits = data.load(data.data_of(shoes, size=(32, 32), channels=1))
    assert splits.train.images.shape == (27, 32, 32)
    expected = {photo(Image.fromarray(pixels(n)), (32, 32), 1).tobytes() for n in range(33)}
    assert {image.tobytes() for image in splits.train.images} <= expected


def test_a_dataset_of_the_datasets_folder_goes_by_its_name(tmp_path):
    fill(own_datasets.root() / "Meine Hüte", {"a": 3, "b": 3})
    config = data.data_of("Meine Hüte", **SMALL)
    assert config.dataset == "Meine Hüte" and own_datasets.listed() == ["Meine Hüte"]
    assert len(data.load(config).train.labels) == 2
    assert (own_datasets.root() / "Meine Hüte" / ".index.jsonl").is_file()


def test_fingerprints_tell_images_sizes_and_limits_apart(shoes):
    config = data.data_of(shoes, **SMALL)
    others = [
        config.model_copy(update={"limit": 6}),
        config.model_copy(update={"image_size": (16, 16)}),
        config.model_copy(update={"classes": ("sandal", "Boot", "Ärmel 👟")}),
        Data(dataset="synthetic"),
        Data(dataset="synthetic", limit=100),
        Data(dataset="synthetic", image_size=(32, 32)),
    ]
    before = [data.fingerprint(one) for one in (config, *others)]
    assert len(set(before)) == 7
    (shoes / "Boot" / "000.png").write_bytes(png(77))
    assert data.fingerprint(config) != before[0] and data.fingerprint(others[3]) == before[4]


# ---------------------------------------------------------------- what cannot be read, and what is refused


def test_what_is_no_image_is_left_out_with_a_sentence(shoes):
    (shoes / "Boot" / "notes.txt").write_text("not an image")
    (shoes / "Boot" / "empty.png").write_bytes(b"")
    (shoes / "Boot" / ".DS_Store").write_bytes(b"x")
    (shoes / "Boot" / "inner").mkdir()
    (shoes / "read me.txt").write_text("x")
    listing = own_datasets.get(shoes).listing()
    assert {image.name for image in listing.unreadable} == {"notes.txt", "empty.png"}
    assert all(image.known.problem.endswith(".") for image in listing.unreadable)
    assert {path.name for path in listing.passed_over} == {"inner", "read me.txt"}
    assert listing.counts() == {"Boot": 20, "sandal": 10, "Ärmel 👟": 3} and len(listing.of("Boot")) == 20


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "has no classes"),
        ({"a": 5}, "only 'a' has images"),
        ({"a": 5, "b": 0}, "only 'a' has images"),
        ({"a": 0, "b": 0}, "no class has an image that can be read"),
        ({f"c{n}": 1 for n in range(201)}, "has 201 classes with images, more than the 200 possible"),
    ],
)
def test_too_few_and_too_many_classes_are_refused_with_a_sentence(tmp_path, counts, said):
    (tmp_path / "bad").mkdir()
    with pytest.raises(DataUnavailable, match=said) as caught:
        data.data_of(fill(tmp_path / "bad", counts), **SMALL)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_two_hundred_classes_are_not_too_many(tmp_path):
    config = data.data_of(fill(tmp_path / "many", {f"c{n}": 3 for n in range(200)}), size=(16, 16), channels=1)
    assert len(np.unique(data.load(config).test.labels)) == 200


def test_classes_of_one_image_are_trained_on_and_need_another_to_be_measured_by(tmp_path):
    folder = fill(tmp_path / "few", {"a": 1, "b": 2})
    config = data.data_of(folder, **SMALL)
    with pytest.raises(DataUnavailable, match="too few images to keep some for measuring"):
        data.load(config)
    fill(folder, {"b": 1}, first=10)
    splits = data.load(config)
    assert [splits.train.labels.tolist(), splits.test.labels.tolist()] in ([[0, 1], [1]], [[1, 0], [1]])


def test_two_folders_of_one_name_are_refused(shoes):
    fill(shoes, {"BOOT": 1}, first=60)
    with pytest.raises(DataUnavailable, match="mean the same class"):
        data.data_of(shoes, **SMALL)


def test_a_dataset_that_is_gone_is_a_sentence(shoes, tmp_path):
    config = data.data_of(shoes, **SMALL)
    shutil.rmtree(shoes)
    for ask in (lambda: data.load(config), lambda: data.fingerprint(config), lambda: data.data_of(shoes)):
        with pytest.raises(DataUnavailable, match="There is no folder"):
            ask()
    dataset = data.dataset_of(config)
    assert "There is no folder" in dataset.missing() and str(shoes) in dataset.by_hand()
    with pytest.raises(DataUnavailable, match=r"There is no dataset 'Hats' in .* any more"):
        data.load(Data(dataset="Hats", classes=("a", "b")))
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataUnavailable, match="There is no folder"):
        data.data_of(tmp_path / "file")


def test_classes_that_lost_their_images_are_said_until_fewer_than_two_are_left(shoes):
    config, said = data.data_of(shoes, **SMALL), []
    shutil.rmtree(shoes / "sandal")
    splits = data.load(config, said.append)
    assert "Without images, and never predicted rightly: sandal" in said and 1 not in splits.train.labels
    shutil.rmtree(shoes / "Boot")
    with pytest.raises(DataUnavailable, match="has no images of Boot, sandal any more"):
        data.load(config)


def test_an_image_that_goes_or_changes_while_it_is_read_is_a_sentence(shoes, monkeypatch):
    config = data.data_of(shoes, **SMALL)
    listing, read = image_folders.ImageFolder.listing, []

    def listed(self, on_progress=None):
        found = listing(self, on_progress)
        read.append(found)
        (shoes / "Boot" / "003.png").unlink(missing_ok=True)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(image_folders.ImageFolder, "listing", listed)
        with pytest.raises(DataUnavailable, match=r"003\.png can no longer be read"):
            data.load(config)
    assert not list(own_datasets.root().rglob("*.npy")) and not list(own_datasets.root().rglob(".[0-9]*"))
    image = read[0].images[0]
    image.path.write_bytes(png(78))
    with pytest.raises(DataUnavailable, match="was changed while it was read"):
        image.opened()


def test_a_dataset_that_is_deleted_while_it_trains_stays_readable_to_the_end():
    own = own_datasets.create("Doomed")
    own.add_to_classes([("ab"[number // 5], f"{number}.png", png(number)) for number in range(10)])
    config = data.data_of("Doomed", **SMALL)
    splits = data.load(config)
    own_datasets.delete("Doomed")
    assert splits.train.images.max() == 255 and len(splits.train.images) == 6
    with pytest.raises(DataUnavailable, match="it was deleted or renamed"):
        data.load(config)
    own_datasets.restore("Doomed")
    assert np.array_equal(data.load(config).train.images, splits.train.images)


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_asked_again_the_next_time(shoes):
    locked = shoes / "Boot" / "000.png"
    locked.chmod(0)
    assert [image.name for image in own_datasets.get(shoes).listing().unreadable] == ["000.png"]
    locked.chmod(0o600)
    assert not own_datasets.get(shoes).listing().unreadable


def test_a_full_disk_is_a_sentence_and_leaves_nothing(shoes, monkeypatch):
    config = data.data_of(shoes, **SMALL)
    monkeypatch.setattr(array_cache, "_ROOM", 10**18)
    with pytest.raises(disk.NotWritten, match="the disk is full: free some space"):
        data.load(config)
    assert not list(own_datasets.root().rglob("*.npy")) and not list(own_datasets.root().rglob(".[0-9]*"))


def test_a_damaged_index_and_a_damaged_array_are_made_again(shoes):
    config = data.data_of(shoes, **SMALL)
    expected = data.load(config).train.images.copy()
    (index,) = own_datasets.root().rglob("index.jsonl")
    index.write_bytes(b'nonsense\n[1, "Boot/000.png", 1, 1, "x", "zz", ""]\n{"half')
    (array,) = own_datasets.root().rglob("*.npy")
    array.write_bytes(array.read_bytes()[:500])
    image_folders._kept_index.cache_clear()
    assert np.array_equal(data.load(config).train.images, expected)


def test_an_image_is_turned_as_the_camera_says_and_transparency_is_white(tmp_path):
    folder = fill(tmp_path / "turned", {"a": 3, "b": 3})
    shape = np.zeros((40, 24, 3), np.uint8)
    shape[:8] = 255  # white above
    exif = Image.Exif()
    exif[0x0112] = 6
    (folder / "a" / "turned.png").write_bytes(encoded(shape, "PNG", exif=exif))
    clear = np.dstack([shape, np.zeros((40, 24), np.uint8)])
    clear[20:30, 8:16] = (200, 0, 0, 255)
    (folder / "b" / "clear.png").write_bytes(encoded(clear, "PNG"))
    listing = own_datasets.get(folder).listing()
    turned, clear_image = (next(i for i in listing.images if i.name == name) for name in ("turned.png", "clear.png"))
    assert photo(turned.opened(), (24, 40), 1)[:, -4:].min() > 200, "what was above is on the right"
    seen = photo(clear_image.opened(), (40, 24), 3)
    assert seen[0, 0].tolist() == [255, 255, 255] and seen[25, 12].tolist() == [200, 0, 0]


@pytest.mark.parametrize(("size", "filled"), [((100, 60), False), ((100, 50), False), ((100, 20), True)])
def test_an_image_is_squeezed_at_most_twofold(size, filled):
    image = Image.new("RGB", size, (200, 40, 40))
    image.paste((10, 10, 200), (40, 0, 60, size[1]))
    seen = photo(image, (32, 32), 3)
    assert seen.shape == (32, 32, 3)
    middle = seen[16, 16].tolist()
    assert np.allclose(middle, (10, 10, 200), atol=8)
    assert np.allclose(seen[0, 16], middle, atol=8) is not filled, "filled up above and below"
    assert np.allclose(seen[16, 0], (200, 40, 40), atol=8), "nothing is cut off"


def test_splits_of_a_large_class_are_tenths(tmp_path):
    listing = own_datasets.get(fill(tmp_path / "large", {"a": 50, "b": 4})).listing()
    parts = own_splits.split(listing.images)
    assert [[image.class_name for image in part].count("a") for part in parts] == [40, 5, 5]
    assert [[image.class_name for image in part].count("b") for part in parts] == [2, 1, 1]
    assert own_splits.split(listing.images[::-1]) == parts


# ---------------------------------------------------------------- exported scripts


def test_the_exported_script_has_the_very_same_images(tmp_path):
    folder = fill(tmp_path / 'of "mine"', {"a": 6, "b\\c": 6, "д 👟": 6})
    large = np.uint8(np.random.default_rng(1).integers(0, 256, (9, 13, 3)).repeat(90, 0).repeat(90, 1))
    exif = Image.Exif()
    exif[0x0112] = 8
    (folder / "a" / "large.jpg").write_bytes(encoded(large, "JPEG", exif=exif))
    (folder / "a" / "grey.jpg").write_bytes(encoded(large[..., 0], "JPEG"))
    (folder / "a" / "large.png").write_bytes(encoded(large[::-1], "PNG", exif=exif))
    clear = np.dstack([large[:, ::-1], np.uint8(large[..., 0] > 100) * 255])
    (folder / "a" / "clear.webp").write_bytes(encoded(clear, "WEBP", lossless=True))
    palette = io.BytesIO()
    Image.fromarray(large).convert("P").save(palette, "GIF")
    (folder / "a" / "palette.gif").write_bytes(palette.getvalue())
    for channels in (1, 3):
        config = data.data_of(folder, size=(20, 16), channels=channels).model_copy(update={"limit": 9})
        script = data.dataset_of(config).script(config.limit)
        source = Path("cnn/pictures/photo.py").read_text(encoding="utf-8")
        made: dict = {}
        exec("\n".join([*script.imports, "import numpy as np", source, *script.lines]), made)
        splits = data.load(config)
        for name in ("train", "validation", "test"):
            assert np.array_equal(made[f"{name}_images"], getattr(splits, name).images), name
            assert np.array_equal(made[f"{name}_labels"], getattr(splits, name).labels), name
            assert made[f"{name}_images"].dtype == made[f"{name}_labels"].dtype == np.uint8


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_file_whose_name_is_no_text_is_an_image_like_any_other(tmp_path):
    folder = fill(tmp_path / "latin", {"a": 3, "b": 3})
    with open(os.fsencode(folder / "a") + b"/caf\xe9.png", "wb") as file:  # noqa: PTH123
        file.write(png(50))
    config = data.data_of(folder, **SMALL)
    assert len(own_datasets.get(folder).listing().images) == 7 and len(data.load(config).train.labels) == 3
    script = data.dataset_of(config).script(None)
    made: dict = {}
    source = Path("cnn/pictures/photo.py").read_text(encoding="utf-8")
    lines = "\n".join([*script.imports, "import numpy as np", source, *script.lines])
    exec(lines.encode().decode(), made)
    assert np.array_equal(made["train_images"], data.load(config).train.images)
