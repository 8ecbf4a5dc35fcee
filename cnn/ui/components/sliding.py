"""A kernel that slides over an image in the browser: by hand, by key, by itself; every product written out.

The browser's part is `sliding.js`, beside this file. It multiplies and adds up what lies in the window; the whole map
comes from `cnn.lessons.convolution`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from cnn import charts
from cnn.lessons import convolution
from cnn.lessons.convolution import Sliding
from cnn.ui.components.files import component

_sliding = component("sliding")
_NUMBERS_UP_TO = 10  # edge of an image whose values are also written into it


def show(
    x: np.ndarray,
    kernel: np.ndarray,
    sliding: Sliding,
    bias: float,
    key: str,
    title: str,
    channels: Sequence[str] = ("",),
    on_edit: Callable[[np.ndarray], None] | None = None,
    size: int = 420,
) -> np.ndarray:
    """Draw the image, the kernel and the map.

    Args:
        x: (h, w, c), one channel or three that are red, green and blue in [0, 1].
        kernel: (k, k, c).
        sliding: how it slides.
        key: of the element.
        title: of the image.
        channels: their names.
        on_edit: called with the new kernel (k, k) of an image with one channel, before the page runs again.
        size: screen pixels that image and map may each be wide.

    Returns:
        The map, (rows, columns).

    Raises:
        DoesNotFit: the kernel is too large.
    """
    map_ = convolution.convolved(x, kernel, sliding, bias)
    seen = convolution.visits(x.shape, sliding)
    zeros = sliding.zeros(x.shape)
    height, width, count = x.shape
    rows, columns = map_.shape
    grey = count == 1
    colours = charts.coloured(x[..., 0], charts.value_range(x)) if grey else (x * 255).round().astype(np.uint8)
    # The colours are those of the map without its bias: so the bias makes the whole of it brighter or darker.
    range_ = charts.value_range(map_ - bias)
    map_colours = charts.coloured(map_, range_)

    def edited() -> None:
        match st.session_state[key].kernel:
            case [*weights] if len(weights) == kernel[..., 0].size and all(isinstance(w, int | float) for w in weights):
                on_edit(np.array(weights, float).reshape(kernel.shape[:2]))

    border = sum(map(sum, zeros))
    _sliding(
        key=key,
        data={
            "label": f"{title}, {height} by {width} pixels. Arrow keys move the window; the space bar slides it.",
            "caption": f"The input, {height}×{width}"
            + (f", hatched: zero padding ({_border(zeros)})" if border else "")
            + (f". Orange: {int((seen == 0).sum())} pixels outside every window" if not seen.all() else "")
            + ".",
            "size": size,
            "rows": height,
            "columns": width,
            "zeros": [*zeros[0], *zeros[1]],
            "picture": charts.data_url(colours),
            "dark": _dark(colours) if grey and max(height, width) <= _NUMBERS_UP_TO else None,
            "channels": [
                {
                    "name": name,
                    "values": charts.base64_floats(convolution.padded(x, zeros)[..., index]),
                    "kernel": kernel[..., index].ravel().tolist(),
                }
                for index, name in enumerate(channels)
            ],
            "unseen": np.argwhere(seen == 0).tolist(),
            "kernel": sliding.kernel,
            "stride": sliding.stride,
            "dilation": sliding.dilation,
            "bias": bias,
            "editable": on_edit is not None,
            "output": {
                "label": f"The feature map, {rows} by {columns}. Arrow keys move the window; the space bar slides it.",
                "caption": f"The feature map, {rows}×{columns}, from {map_.min():.3g} to {map_.max():.3g}.",
                "rows": rows,
                "columns": columns,
                "picture": charts.data_url(map_colours),
                "values": charts.base64_floats(map_),
                "dark": _dark(map_colours) if max(rows, columns) <= _NUMBERS_UP_TO else None,
                "low": f"{range_[0]:.3g}",
                "high": f"{range_[1]:.3g}",
                "colours": charts.scale_colours(range_),
            },
        },
        on_kernel_change=edited if on_edit else lambda: None,
    )
    return map_


def _border(zeros: convolution.Zeros) -> str:
    """How wide a border is: "1 on every side", or each side."""
    (above, below), (left, right) = zeros
    if above == below == left == right:
        return f"{above} on every side"
    return f"{above} above, {below} below, {left} left, {right} right"


def _dark(colours: np.ndarray) -> list[bool]:
    """Which pixels of (h, w, 3) want white digits."""
    return charts.is_dark(colours).ravel().tolist()
