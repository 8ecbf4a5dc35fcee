"""What frozen layers are computed for: features that are kept for all epochs, of so many views of each image."""

import math

from cnn.config.run_config import RunConfig

LARGEST_KEPT = 2_000_000_000  # bytes of features; larger ones are not kept, and the frozen layers run in every epoch


def views_of(config: RunConfig) -> int:
    """How many views of each training image there are: one where nothing varies it."""
    return config.transfer.views if config.data.is_augmented else 1


def boundary(config: RunConfig, images: int) -> str | None:
    """The last frozen layer, by its row's name, where its features are worth keeping; None where there is none.

    There is none where nothing is frozen, where a later layer also takes something from before it, and where the
    features of so many training images, in 16 bits and in all views, would be too large.
    """
    rows = config.rows()
    frozen = [row for row in rows if row.layer < config.transfer.frozen]
    if not frozen:
        return None
    last, before = frozen[-1], {row.name for row in frozen[:-1]} | {"input"}
    crosses = any(before & set(row.takes) for row in rows[len(frozen) :])
    size = views_of(config) * images * 2 * math.prod(last.output_shape)
    return None if crosses or size > LARGEST_KEPT else last.name
