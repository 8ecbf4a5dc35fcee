"""Questions on what convolutions suit, and where they fail, each a function of a random generator."""

from collections.abc import Callable

import numpy as np

from cnn.config import counted
from cnn.lessons.questions.latex import by, matrix, num
from cnn.lessons.questions.question import Question, Rng, chosen, integer, pick, shuffled

# ---------------------------------------------------------------- what convolutions are used for

_LOCAL = {
    "Photos of faces": "In a photo neighbouring pixels belong together, and an eye looks the same wherever it is.",
    "Satellite images of towns and fields": "Roads and fields are local patterns that can be anywhere.",
    "Scanned pages of printed text": ("A letter is a pattern of neighbouring pixels and looks the same anywhere."),
    "Spectrograms of sounds, frequency against time": (
        "In a spectrogram neighbouring times and frequencies belong together, and a sound looks the same at any time."
    ),
    "Images from a video camera at a door": "Neighbouring pixels belong together, wherever somebody walks past.",
    "Images of clothes": "Seams and sleeves are patterns of neighbouring pixels.",
}
_NOT_LOCAL = {
    "A table of customers, whose columns can be in any order": "Columns that are neighbours need not belong together.",
    "A patient's age, weight and blood pressure": "These three numbers would mean the same in any order.",
    "How often each word occurs in a letter, in alphabetical order": (
        "Words do not belong together just because they are neighbours in the alphabet."
    ),
    "Photos whose pixels have all been put into one random order": (
        "In random order, neighbouring pixels no longer belong together."
    ),
    "The answers to a questionnaire, its questions in random order": (
        "Questions do not belong together just because they are neighbours."
    ),
}


def _suited_data(rng: Rng) -> Question:
    local, not_local = shuffled(rng, list(_LOCAL)), shuffled(rng, list(_NOT_LOCAL))
    suited = bool(rng.integers(2))
    text, (answer, others) = (
        ("For which of these is a convolutional network best suited?", (local[0], not_local[:3]))
        if suited
        else ("For which of these does a convolutional network help least?", (not_local[0], local[:3]))
    )
    reasons = _LOCAL | _NOT_LOCAL
    return chosen(
        rng,
        text,
        answer,
        f"{answer}. {reasons[answer]} A convolution looks at neighbouring values together (locality), with the same "
        "weights at every position.",
        {other: reasons[other] for other in others},
        facts={"suited": suited},
    )


_OPPOSITE = {"right": "left", "left": "right", "down": "up", "up": "down"}
_ANOTHER = "It becomes a different map, with different values."


def _moved_image(rng: Rng) -> Question:
    stride, steps, way = integer(rng, 1, 4), integer(rng, 1, 5), pick(rng, tuple(_OPPOSITE))
    pixels, kernel = stride * steps, pick(rng, (3, 5, 7))

    def towards(way: str) -> str:
        return f"to the {way}" if way in ("left", "right") else way

    def moved(places: int, way: str) -> str:
        return f"It shifts by {counted(places, 'position')} {towards(way)}."

    wrong = {
        moved(steps, _OPPOSITE[way]): "The map shifts the same way as the image.",
        "It stays as it is.": "A convolution preserves positions; only global pooling discards them.",
        _ANOTHER: "The weights are the same at every position: what has shifted gives the same values elsewhere.",
    }
    if stride > 1:
        wrong[moved(pixels, way)] = f"With stride {stride}, two neighbouring values are {stride} pixels apart."
    return chosen(
        rng,
        f"A kernel of {by(kernel)} slides over an image with stride {stride}. The image is shifted by "
        f"{counted(pixels, 'pixel')} {towards(way)}. What happens to the feature map, away from the border?",
        moved(steps, way),
        rf"The same weights are used at every position, so the map shifts with the image. Two neighbouring values "
        rf"are {counted(stride, 'pixel')} apart: ${pixels} / {stride} = {steps}$. {moved(steps, way)}",
        wrong,
        facts={"stride": stride, "pixels": pixels, "way": way, "kernel": kernel},
    )


_TURNS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "rotated by 90° to the left": ("rotated", np.rot90),
    "rotated by 180°": ("rotated", lambda image: np.rot90(image, 2)),
    "mirrored left to right": ("mirrored", np.fliplr),
    "mirrored top to bottom": ("mirrored", np.flipud),
}


def _turned_image(rng: Rng) -> Question:
    how = pick(rng, tuple(_TURNS))
    word, turn = _TURNS[how]
    weights = rng.integers(-4, 5, (3, 3))
    if rng.integers(2):  # one that looks the same afterwards
        weights = np.array(pick(rng, ([[0, 1, 0], [1, 2, 1], [0, 1, 0]], [[1, 0, 1], [0, -2, 0], [1, 0, 1]])))
        weights = weights * integer(rng, 1, 3) + integer(rng, -2, 2)
    after = turn(weights)
    kept = bool((after == weights).all())
    likewise, stays = f"It is {word} in the same way.", "It stays as it is."
    another = f"It becomes a different map, not just the old one {word}."
    answer = likewise if kept else another
    reason = (
        f"This is the same kernel, so the map is {word} like the image. Most learned kernels are not like that: "
        if kept
        else f"This is another kernel, so the old one gives different sums on the {word} image: "
    )
    rows = tuple(tuple(int(value) for value in row) for row in weights)
    return chosen(
        rng,
        rf"The kernel $w = {matrix(rows)}$ slides over an image with stride 1. Then the whole image is {how}, but "
        "not the kernel. What happens to the feature map?",
        answer,
        rf"The kernel, {how}, would be ${matrix(after.tolist())}$. {reason}sharing its weights "
        "makes a convolution equivariant to shifts only. Rotated and mirrored images must be in its training data.",
        {
            (another if kept else likewise): (
                f"This would be right if the kernel changed when {word}; this one does not."
                if kept
                else f"This would be right if the kernel stayed the same when {word}; this one does not."
            ),
            stays: "What changes in the image changes in the map.",
        },
        facts={"weights": rows, "how": how},
    )


def _shuffled_pixels(rng: Rng) -> Question:
    edge, loses = integer(rng, 16, 64), bool(rng.integers(2))
    convolutional, dense = "The convolutional network", "The dense network"
    why = (
        rf"A dense unit has its own weight for each of the ${edge} \cdot {edge} = {num(edge * edge)}$ pixels: it "
        "can learn the same weights in another order and loses nothing. A convolution looks at small windows, and "
        "after the shuffling these hold pixels that have nothing to do with each other: it learns worse."
    )
    answer, other = (convolutional, dense) if loses else (dense, convolutional)
    return chosen(
        rng,
        f"The {edge * edge:,} pixels of every image of {by(edge)} are shuffled, in the same random order for all "
        "images. A dense and a convolutional network are then trained on them. Which one performs "
        + ("worse than before?" if loses else "as well as before?"),
        answer,
        why,
        {
            other: "It is the other way round: which of the two depends on the neighbours of a pixel?",
            "Both": "Only one of the two depends on the neighbours of a pixel.",
            "Neither": "One of the two depends on the neighbours of a pixel.",
        },
        facts={"edge": edge, "loses": loses},
    )


KINDS = (_suited_data, _moved_image, _turned_image, _shuffled_pixels)
