"""Any image as a photo is shown to a network: its colours and its whole area, in the size that the network takes."""

import numpy as np
from PIL import Image

MOST_SQUEEZED = 2.0  # how many times narrower or wider an image may become; what is more is filled up at the edges


def photo(image: Image.Image, size: tuple[int, int], channels: int) -> np.ndarray:
    """An upright image, as `open_image` returns it -> uint8 (height, width, channels), or (height, width) in grey.

    The image is squeezed to the size, so that nothing is cut off; one that would be squeezed more than twofold is
    filled up with the mean colour of its edges. Transparent parts become white. Grey is the luma of ITU-R BT.601.

    Args:
        image: of any mode of 8 bits.
        size: height and width in pixels.
        channels: 1 for grey, 3 for RGB.
    """
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    filled = _filled_up(image.convert("RGB"), size[1] / size[0])
    return brought_to(filled, size, channels)


def brought_to(image: Image.Image, size: tuple[int, int], channels: int) -> np.ndarray:
    """A grey or RGB image squeezed to height and width: uint8, as `photo`. Each pixel is the mean of its surroundings
    with bicubic weights, over the whole area that it stands for."""
    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    height, width = size
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _filled_up(image: Image.Image, aspect: float) -> Image.Image:
    """An RGB image in the middle of one whose width / height is within `MOST_SQUEEZED` of `aspect`."""
    width, height = image.size
    least_width, least_height = round(height * aspect / MOST_SQUEEZED), round(width / aspect / MOST_SQUEEZED)
    if width >= least_width and height >= least_height:
        return image
    pixels = np.asarray(image)
    ends = [pixels[0], pixels[-1]] if height < least_height else [pixels[:, 0], pixels[:, -1]]
    colour = np.concatenate(ends).mean(axis=0).round().astype(int)
    larger = Image.new("RGB", (max(width, least_width), max(height, least_height)), tuple(colour.tolist()))
    larger.paste(image, ((larger.width - width) // 2, (larger.height - height) // 2))
    return larger
