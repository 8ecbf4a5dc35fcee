"""What a network is shown besides the dataset: made in the same way every time, and read from people's folders."""

import multiprocessing
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from cnn.config import Data
from cnn.data import NO_GARMENT, Split, mixture, restyle, synthetic
from cnn.data.folders import WrongFolders, is_held_out
from cnn.data.mixture import HeldOut, OwnPictures, load_own, read_own, save_own, sources
from cnn.data.outliers import outlier
from cnn.pictures import readings


class Here:
    """A pool of processes that is this process: nothing has to be started."""

    def __init__(self, workers, context, initializer, initargs):
        initializer(*initargs)

    def map(self, make, *arguments, chunksize=1):
        return map(make, *arguments)

    def shutdown(self, cancel_futures=False):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch):
    threads = cv2.getNumThreads()
    monkeypatch.setattr(mixture, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(mixture, "_given", ())
    monkeypatch.setattr(mixture, "_OUTLIERS", 30)
    monkeypatch.setattr(mixture, "_CHUNK", 8)
    yield
    cv2.setNumThreads(threads)


@pytest.fixture(scope="module")
def train() -> Split:
    return Split(*synthetic.dataset(12, 6, "train"))


@pytest.fixture(scope="module")
def own() -> OwnPictures:
    """Three T-shirts and one bag; one of each is drawn."""
    pictures = synthetic.dataset(4, 7, "test")[0]
    return OwnPictures(pictures, np.array([0, 0, 0, 8], np.uint8), np.array([0, 0, 1, 1], np.uint8))


def with_others(own: OwnPictures) -> OwnPictures:
    """The bag is called no garment."""
    return own._replace(labels=np.where(own.labels == 8, NO_GARMENT, own.labels))


ALL = Data(style_augmentation=0.3, outlier_exposure=0.05, own_images=0.2)


def nobody(text: str) -> None:
    pass


# ---------------------------------------------------------------- the sources


def test_each_share_has_its_source(here, train, own):
    restyled, outliers, mine = sources(ALL, train, 5, own, nobody)
    assert [source.fraction for source in (restyled, outliers, mine)] == [0.3, 0.05, 0.2]
    assert [source.random_affine for source in (restyled, outliers, mine)] == [0.8, 1.0, 1.5]
    for images, labels in (source.split for source in (restyled, outliers, mine)):
        assert images.dtype == labels.dtype == np.uint8
        assert images.shape == (len(labels), 28, 28) and images.any(axis=(1, 2)).all()
    assert np.array_equal(restyled.split.labels[:24], np.tile(train.labels, 2)), "each training image twice"
    drawn_labels = synthetic.dataset(10, 5, "train")[1]
    assert np.array_equal(restyled.split.labels[24:], drawn_labels), "and drawn clothes"
    assert set(outliers.split.labels.tolist()) == {NO_GARMENT} and len(outliers.split.labels) == 30


def test_what_has_no_share_is_not_made(here, train, own):
    reports = []
    assert sources(Data(), train, 5, own, reports.append) == () == tuple(reports)
    assert sources(Data(own_images=0.2), train, 5, None, nobody) == ()
    (only,) = sources(Data(outlier_exposure=0.1), train, 5, own, nobody)
    assert only.fraction == 0.1


@pytest.mark.slow
def test_a_picture_depends_on_the_seed_and_its_number_alone(here, train, own, monkeypatch):
    first = sources(ALL, train, 5, own, nobody)
    monkeypatch.setattr(mixture, "_CHUNK", 11)
    for one, other in zip(first, sources(ALL, train, 5, own, nobody), strict=True):
        assert np.array_equal(one.split.images, other.split.images), "however the work was divided"
        assert np.array_equal(one.split.labels, other.split.labels)
    restyled, outliers, _ = first
    for number in (0, 7, 12, 23):
        chance = np.random.default_rng([5, 1, number])
        expected = restyle.restyled(train.images, train.labels, number % 12, chance)
        assert np.array_equal(restyled.split.images[number], expected)
    assert np.array_equal(outliers.split.images[29], outlier(np.random.default_rng([5, 2, 29])))
    other_seed = sources(Data(outlier_exposure=0.1), train, 6, None, nobody)[0].split.images
    assert not any(np.array_equal(one, other) for one, other in zip(other_seed, outliers.split.images, strict=True))


def test_the_listener_hears_how_far_it_is(here, train):
    reports = []
    sources(Data(outlier_exposure=0.1), train, 5, None, reports.append)
    message = "Making images of no garment"
    assert reports == [message, *(f"{message}: {share}%" for share in (25, 50, 75, 100))]


class Enough(Exception):
    pass


def test_a_listener_that_raises_ends_the_work(here, train, monkeypatch):
    made = []
    real = mixture._outlier_chunk
    monkeypatch.setattr(mixture, "_outlier_chunk", lambda stream, chunk: made.append(chunk) or real(stream, chunk))

    def stop(text: str) -> None:
        if "%" in text:
            raise Enough

    with pytest.raises(Enough):
        sources(ALL.model_copy(update={"style_augmentation": 0.0}), train, 5, None, stop)
    assert made == [range(8)]


@pytest.mark.slow
def test_other_processes_make_the_same_and_end_with_a_stop(train, monkeypatch):
    monkeypatch.setattr(mixture, "_CHUNK", 5)
    monkeypatch.setattr(mixture, "_OUTLIERS", 1000)
    heard = []
    made = mixture._in_processes(mixture._restyled_chunk, [5, 1], 12, train, "Drawing", heard.append)
    for number, picture in enumerate(made):
        chance = np.random.default_rng([5, 1, number])
        assert np.array_equal(picture, restyle.restyled(train.images, train.labels, number, chance))
    assert len(made) == 12 and heard == ["Drawing", "Drawing: 33%", "Drawing: 67%", "Drawing: 100%"]

    def stop(text: str) -> None:
        if "%" in text:
            raise Enough(text)

    with pytest.raises(Enough, match="garment: 0%"):
        sources(Data(outlier_exposure=0.1), train, 5, None, stop)
    assert not multiprocessing.active_children()


def test_rare_classes_and_kinds_are_repeated(own):
    many = OwnPictures(
        np.concatenate([np.zeros((40, 28, 28), np.uint8), own.images]),
        np.concatenate([np.full(40, 3, np.uint8), own.labels]),
        np.concatenate([np.zeros(40, np.uint8), own.drawn]),
    )
    images, labels = mixture._balanced(many)
    assert np.bincount(labels).tolist() == [16 + 8, 0, 0, 40, 0, 0, 0, 0, 8], "at most eight times"
    for label, picture in ((0, own.images[2]), (8, own.images[3])):
        assert sum(np.array_equal(one, picture) for one in images[labels == label]) == 8
    images, labels = mixture._balanced(own)
    assert np.bincount(labels).tolist() == [2 + 2, 0, 0, 0, 0, 0, 0, 0, 2], "as many as in the largest group"


# ---------------------------------------------------------------- folders of labelled images


def drawing(path: Path) -> None:
    picture = Image.new("RGB", (200, 200), "white")
    corners = [(30, 30), (170, 30), (170, 170), (30, 170), (30, 30)]
    ImageDraw.Draw(picture).line([*corners, (170, 170)], fill="black", width=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, "PNG")


def painting(path: Path, top: int = 30) -> None:
    picture = Image.new("RGB", (200, 200), "white")
    picture.paste("#c02020", (60, top, 140, 170))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, "PNG")


def names(held_out: bool, count: int) -> list[str]:
    """File names that are kept for measuring, or that are not."""
    return [name for name in (f"{n}.png" for n in range(100)) if is_held_out(Path(name)) == held_out][:count]


def test_own_pictures_are_read_as_at_work_without_the_held_out_and_the_unreadable(here, tmp_path):
    kept, held_out = names(False, 3), names(True, 1)
    drawing(tmp_path / "one" / "2_Pullover" / kept[0])
    painting(tmp_path / "one" / "1_Trouser" / kept[1])
    painting(tmp_path / "two" / "8_Bag" / kept[2], top=40)
    painting(tmp_path / "two" / "8_Bag" / held_out[0], top=50)
    (tmp_path / "two" / "8_Bag" / ".DS_Store").write_bytes(b"no image")
    (tmp_path / "two" / "8_Bag" / "notes.txt").write_text("no image")
    reports = []
    own, account = read_own([tmp_path / "one", tmp_path / "two"], reports.append)
    assert own.labels.tolist() == [1, 2, 8] and own.drawn.tolist() == [0, 1, 0]
    assert own.images.dtype == own.labels.dtype == np.uint8 and own.images.shape == (3, 28, 28)
    for picture, place in zip(own.images, (f"one/1_Trouser/{kept[1]}", f"one/2_Pullover/{kept[0]}"), strict=False):
        seen = readings.read(tmp_path / place)[0].seen.pixels[..., 0]
        assert np.array_equal(picture, np.rint(seen * 255).astype(np.uint8))
    assert reports == ["Reading your images: 5 of 5"]
    counts = {kind: account[kind] for kind in ("found", "used", "held_out", "copies", "unreadable")}
    assert counts == {"found": 5, "used": 3, "held_out": 1, "copies": 0, "unreadable": 1}
    seen = readings.read(tmp_path / "two" / "8_Bag" / held_out[0], used_only=True)
    assert own.held_out.labels.tolist() == [8] * len(seen) and own.held_out.files.tolist() == [0] * len(seen)
    assert own.held_out.weights == pytest.approx([reading.weight for reading in seen])
    assert own.held_out.images[0].tobytes() not in {image.tobytes() for image in own.images}
    ((reason, files),) = account["reasons"].items()
    assert "not an image" in reason and files == [str(tmp_path / "two" / "8_Bag" / "notes.txt")]


def test_one_content_counts_once_in_a_class_and_never_where_it_measures(here, tmp_path):
    first, second, third = names(False, 3)
    (held_out,) = names(True, 1)
    for place, top in (
        (f"1_Trouser/{first}", 30),
        (f"1_Trouser/{second}", 30),
        (f"1_Trouser/{third}", 40),
        (f"8_Bag/{first}", 30),
        (f"8_Bag/{second}", 50),
        (f"8_Bag/{held_out}", 50),
    ):
        painting(tmp_path / place, top)
    own, account = read_own([tmp_path], nobody)
    assert own.labels.tolist() == [1, 1, 8]
    assert [account[kind] for kind in ("found", "used", "held_out", "copies")] == [6, 3, 1, 2]
    same = [tmp_path / f"1_Trouser/{first}", tmp_path / f"1_Trouser/{second}", tmp_path / f"8_Bag/{first}"]
    assert account["several_classes"] == [[str(file) for file in same]]
    twice, account = read_own([tmp_path, tmp_path], nobody)
    assert twice.labels.tolist() == [1, 1, 8] and account["copies"] == 2 + 5


def test_wrong_folders_are_refused_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(mixture, "ProcessPoolExecutor", lambda *arguments, **options: pytest.fail("read"))
    painting(tmp_path / "one" / "1_Trouser" / "a.png")
    painting(tmp_path / "one" / "8_T-shirt" / "a.png")
    painting(tmp_path / "two" / "0_Ankle boot" / "a.png")
    with pytest.raises(WrongFolders) as caught:
        read_own([tmp_path / "one", tmp_path / "two"], nobody)
    assert str(caught.value).splitlines()[1:] == [
        f"  {tmp_path}/one/8_T-shirt: 8 is Bag: call it 0_T-shirt",
        f"  {tmp_path}/two/0_Ankle boot: 0 is T-shirt/top: call it 9_Ankle_boot",
    ]


def test_several_readings_of_a_picture_are_kept_where_they_matter(here, tmp_path, monkeypatch):
    file = tmp_path / "0_T-shirt" / names(False, 1)[0]
    file.parent.mkdir()
    Image.fromarray(255 - synthetic.draw(0, np.random.default_rng(1), size=140)).save(file)
    found = readings.read(file, used_only=True)
    assert len(found) > 1
    own, _ = read_own([tmp_path], nobody)
    assert own.labels.tolist() == [0] * len(found) and not own.drawn.any()
    for picture, reading in zip(own.images, found, strict=True):
        assert np.array_equal(picture, np.rint(reading.seen.pixels[..., 0] * 255).astype(np.uint8))
    monkeypatch.setattr(mixture, "_LEAST", 0.99)
    assert read_own([tmp_path], nobody)[0].labels.tolist() == [0]


@pytest.mark.parametrize(
    ("kind", "why"), [("unreadable", "1 could not be read"), ("held out", "1 is held out for measuring")]
)
def test_folders_of_which_nothing_can_be_used_are_refused(kind, why, here, tmp_path):
    (tmp_path / "0_T-shirt").mkdir()
    if kind == "unreadable":
        (tmp_path / "0_T-shirt" / names(False, 1)[0]).write_text("no image")
    else:
        painting(tmp_path / "0_T-shirt" / names(True, 1)[0])
    with pytest.raises(ValueError) as caught:
        read_own([tmp_path], nobody)
    first, second, *_ = str(caught.value).splitlines()
    assert first == "None of your images can be used: give more files."
    assert second == f"0 of 1 own images used: {why}."


def test_images_of_no_garment_are_seen_on_some_ground_too_if_they_were_cut_out(here, tmp_path):
    kept, (held_out,) = names(False, 3), names(True, 1)
    things = tmp_path / "none"
    painting(tmp_path / "1_Trouser" / kept[0])
    painting(things / kept[1])
    painting(things / held_out, top=50)
    cut_out = Image.new("RGBA", (120, 100), (0, 0, 0, 0))
    ImageDraw.Draw(cut_out).ellipse((20, 20, 100, 80), fill=(200, 30, 30, 255))
    cut_out.save(things / kept[2])
    own, account = read_own([tmp_path], nobody)
    plain = readings.read(things / kept[1], used_only=True) + readings.read(things / kept[2], used_only=True)
    assert (own.labels == NO_GARMENT).sum() == len(plain) + 1
    assert set(own.held_out.labels.tolist()) == {NO_GARMENT}
    assert [folder["class"] for folder in account["folders"]] == ["Trouser", "no garment"]
    assert np.array_equal(read_own([tmp_path], nobody)[0].images, own.images), "the same ground each time"


def test_half_of_the_images_of_no_garment_are_own_ones_where_there_are_any(train, own, here):
    config = Data(outlier_exposure=0.05, own_images=0.2)
    others, mine = sources(config, train, 3, with_others(own), nobody)
    assert set(others.split.labels.tolist()) == {NO_GARMENT} and len(others.split.labels) == 60
    shown = {image.tobytes() for image in others.split.images[30:]}
    bag = own.images[own.labels == 8][0]
    assert bag.tobytes() in shown and len(shown) == 2, "as it is, and drawn"
    assert 8 not in mine.split.labels and NO_GARMENT not in mine.split.labels


@pytest.mark.parametrize("measured", [False, True])
def test_own_pictures_are_kept_with_a_run(measured, own, tmp_path):
    path = tmp_path / "pictures.npz"
    assert load_own(path) is None
    held_out = HeldOut(own.images[:2], own.labels[:2], np.array([0, 0]), np.array([0.7, 0.3], np.float32))
    save_own(path, own._replace(held_out=held_out) if measured else own)
    again = load_own(path)
    assert isinstance(again, OwnPictures)
    pairs = [*zip(again[:3], own[:3], strict=True)]
    if measured:
        pairs += zip(again.held_out, held_out, strict=True)
    else:
        assert again.held_out is None
    for one, other in pairs:
        assert one.dtype == other.dtype and np.array_equal(one, other)
