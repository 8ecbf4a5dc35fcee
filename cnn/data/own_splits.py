"""Which images of a dataset of people's own are trained on, and which are kept to choose and to measure by.

By image, and fixed by content: each class's groups of near duplicates, ordered by hash, give the first tenth to the
test images, the next to the validation images, and the rest to training; of a class of fewer than forty, a twentieth
each. Near duplicates stay on one side, across classes too. A class of fewer than three groups is only trained on.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from cnn.data import near_duplicates
from cnn.data.image_folders import OwnImage

FRACTION, OF_FEW = 0.1, 0.05  # of the groups of a class, for validation and for the test each
FEW = 40  # groups; of a class with fewer, each counts more in training than in a measure of a handful
LEAST_GROUPS = 3  # of a class, for one of them in each split
VERSION = 2  # of the rule: another one is another dataset


class Parts(NamedTuple):
    """The images of each split, in an order of which any beginning has the classes in their proportion, nearly."""

    train: list[OwnImage]
    validation: list[OwnImage]
    test: list[OwnImage]


def split(images: Sequence[OwnImage]) -> Parts:
    """Divide the images of a dataset. Neither their names nor their order count, only their contents and classes."""
    ordered = sorted(images, key=lambda image: (image.content, image.class_name, image.name))
    groups = near_duplicates.groups([image.known.signature for image in ordered])
    members: dict[int, list[OwnImage]] = defaultdict(list)
    for group, image in zip(groups.tolist(), ordered, strict=True):
        members[group].append(image)
    owned: dict[str, list[int]] = defaultdict(list)  # by the class of a group's first image, in the order of hashes
    for group in sorted(members):
        owned[members[group][0].class_name].append(group)
    parts = Parts([], [], [])
    for own in owned.values():
        fraction = OF_FEW if len(own) < FEW else FRACTION
        kept = max(1, round(len(own) * fraction)) if len(own) >= LEAST_GROUPS else 0
        for number, group in enumerate(own):
            part = parts.test if number < kept else parts.validation if number < 2 * kept else parts.train
            part += members[group]
    return Parts(*(_spread(part) for part in parts))


def _spread(images: list[OwnImage]) -> list[OwnImage]:
    """In the order of hashes within each class, the classes mixed in their proportion."""
    by_class: dict[str, list[OwnImage]] = defaultdict(list)
    for image in sorted(images, key=lambda image: (image.content, image.class_name, image.name)):
        by_class[image.class_name].append(image)
    placed = [
        ((number + 0.5) / len(of), image.content, image.class_name, image.name, image)
        for of in by_class.values()
        for number, image in enumerate(of)
    ]
    return [image for *_, image in sorted(placed, key=lambda item: item[:4])]
