"""What there is to say about a dataset of people's own before a network is trained on it, a sentence each."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cnn.config import counted
from cnn.config.printable import printable
from cnn.data import near_duplicates, own_splits
from cnn.data.image_folders import Listing, OwnImage

FEW = 10  # images of a class: with fewer, the test of it is one image or none
UNEQUAL = 3.0  # times as many images in the largest class as in the smallest

Kind = Literal["duplicates", "near duplicates", "empty", "few", "unequal", "unreadable", "passed over"]


@dataclass(frozen=True)
class Finding:
    """kind: what was found. text: a sentence. groups: the images that it is about, those that belong together."""

    kind: Kind
    text: str
    groups: tuple[tuple[OwnImage, ...], ...] = ()


def findings(listing: Listing) -> list[Finding]:
    """What was found, the most important first. 10,000 images take seconds."""
    return [*_classes(listing), *_copies(listing.images), *_files(listing)]


def _classes(listing: Listing) -> list[Finding]:
    counts = listing.counts()
    found = []
    if empty := [name for name, count in counts.items() if not count]:
        verb = "has no image" if len(empty) == 1 else "have no images"
        found.append(Finding("empty", f"{_some(empty)} {verb}, and will be left out."))
    if few := [f"{name} ({count})" for name, count in counts.items() if 0 < count < FEW]:
        verb = "has" if len(few) == 1 else "have"
        text = f"{_some(few)} {verb} fewer than {FEW} images: too few to be learned and measured well."
        unmeasured = sum(0 < count < own_splits.LEAST_GROUPS for count in counts.values())
        if unmeasured:
            text += f" With fewer than {own_splits.LEAST_GROUPS}, none is kept for measuring."
        found.append(Finding("few", text))
    there = {name: count for name, count in counts.items() if count}
    if there and max(there.values()) > UNEQUAL * min(there.values()):
        least, most = min(there, key=lambda name: there[name]), max(there, key=lambda name: there[name])
        text = (
            f"The classes are very unequal: {printable(most)} has {there[most]:,} images, {printable(least)} "
            f"{there[least]:,}. Add images to the smaller ones, or let each class count equally in the loss."
        )
        found.append(Finding("unequal", text))
    return found


def _copies(images: Sequence[OwnImage]) -> list[Finding]:
    found = []
    same: dict[str, list[OwnImage]] = defaultdict(list)
    for image in images:
        same[image.content].append(image)
    exact = [tuple(group) for group in same.values() if len(group) > 1]
    if exact:
        found.append(Finding("duplicates", _of_groups(exact, "the same file", "the same files"), tuple(exact)))
    once = [group[0] for group in same.values()]
    groups = near_duplicates.groups([image.known.signature for image in once])
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1) if len(order) else []
    near = [tuple(once[place] for place in part) for part in parts if len(part) > 1]
    if near:
        found.append(Finding("near duplicates", _of_groups(near, "nearly the same", "nearly the same"), tuple(near)))
    return found


def _of_groups(groups: Sequence[Sequence[OwnImage]], one: str, many: str) -> str:
    """A sentence on images that belong together."""
    count = sum(map(len, groups))
    text = f"{count:,} images are {one if len(groups) == 1 else many}"
    text += "." if len(groups) == 1 else f", in {len(groups):,} groups."
    across = [group for group in groups if len({image.class_name for image in group}) > 1]
    if across:
        first = sorted({image.class_name for image in across[0]})
        text += f" {counted(len(across), 'group')} of them {'is' if len(across) == 1 else 'are'} in different classes"
        text += f", such as {printable(first[0])} and {printable(first[1])}: one of the labels is wrong."
    else:
        text += " Nothing new is learned from copies; they are kept on one side of the split."
    return text


def _files(listing: Listing) -> list[Finding]:
    found = []
    if listing.unreadable:
        names = [f"{image.class_name}/{image.name}" for image in listing.unreadable]
        verb = "file cannot be read and is" if len(names) == 1 else "files cannot be read and are"
        text = f"{len(names):,} {verb} left out: {_some(names)}. {printable(listing.unreadable[0].known.problem)}"
        found.append(Finding("unreadable", text, (listing.unreadable,)))
    if listing.passed_over:
        names = [path.name for path in listing.passed_over]
        verb = "is" if len(names) == 1 else "are"
        found.append(Finding("passed over", f"{_some(names)} {verb} passed over: it is no image in a class's folder."))
    return found


def _some(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - 3
    return ", ".join(map(printable, names[:3])) + (f" and {more:,} more" if more > 0 else "")
