"""What varies a batch of training images: crops, affine changes, colours, erased rectangles, flips, shifts, mixup.

Same seed, same change. Images are float32 (b, h, w, c) in [0, 1]. What comes in at the border is black, as around the
garments of Fashion-MNIST, or the image reflected, as is better around a photo.
"""


def random_affine(x, strength, seed, reflect=False):
    """Turn, stretch, shear and move each image about its middle by normal amounts, times `strength` (b,)."""
    import tensorflow as tf

    height, width = x.shape[1:3]
    moved = 1.3 * width / 28, 1.3 * height / 28  # pixels
    spreads = tf.constant(
        [[0.12], [0.08], [0.08], [0.06], [moved[0]], [moved[1]]]
    )  # radians, log scales, shear, pixels
    amounts = tf.random.stateless_normal([6, tf.shape(x)[0]], seed) * spreads * strength
    turn, wide, high, shear, across, down = tf.unstack(amounts)
    a, b = tf.cos(turn) * tf.exp(wide), shear - tf.sin(turn) * tf.exp(high)
    c, d = tf.sin(turn) * tf.exp(wide), tf.cos(turn) * tf.exp(high)
    middle_x, middle_y, zero = (width - 1) / 2, (height - 1) / 2, tf.zeros_like(turn)
    x0, y0 = middle_x - a * middle_x - b * middle_y + across, middle_y - c * middle_x - d * middle_y + down
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=x,
        transforms=tf.stack([a, b, x0, c, d, y0, zero, zero], axis=1),
        output_shape=[height, width],
        interpolation="BILINEAR",
        fill_mode="REFLECT" if reflect else "CONSTANT",
        fill_value=0.0,
    )


def random_erasing(x, share: float, seed):
    """Fill a rectangle of some of the images with one random grey: "Random Erasing", arXiv:1708.04896.

    It covers 2 to 25% of the image, with sides in a proportion of at most 3.3 to 1.
    """
    import tensorflow as tf

    rows, columns = x.shape[1:3]
    draw, area, proportion, down, across, grey = tf.unstack(tf.random.stateless_uniform([6, tf.shape(x)[0]], seed))
    area, proportion = (0.02 + 0.23 * area) * rows * columns, tf.exp((2 * proportion - 1) * tf.math.log(3.3))
    height = tf.minimum(tf.sqrt(area * proportion), rows)
    width = tf.minimum(tf.sqrt(area / proportion), columns)

    def within(start, length, size):
        """Which pixels (b, size) of a side lie in the rectangle."""
        start, place = (start * (size - length))[:, None], tf.range(size, dtype=tf.float32)
        return (place >= start) & (place < start + length[:, None])

    inside = within(down, height, rows)[:, :, None] & within(across, width, columns)[:, None, :]
    covered = inside & (draw < share)[:, None, None]
    return tf.where(covered[..., None], grey[:, None, None, None], x)


def random_flip(x, seed):
    import tensorflow as tf

    mirrored = tf.random.stateless_uniform([tf.shape(x)[0], 1, 1, 1], seed) < 0.5
    return tf.where(mirrored, tf.reverse(x, axis=[2]), x)


def random_shift(x, pixels: int, seed, reflect=False):
    """Move each image by its own whole number of pixels in [-pixels, pixels] on both axes."""
    import tensorflow as tf

    down, across = tf.unstack(tf.random.stateless_uniform([2, tf.shape(x)[0], 1], seed, 0, 2 * pixels + 1, tf.int32))
    rows, columns = down + tf.range(x.shape[1]), across + tf.range(x.shape[2])  # positions in the padded image
    padded = tf.pad(x, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]], "REFLECT" if reflect else "CONSTANT")
    return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def random_crop(x, fraction: float, seed):
    """Cut up to this fraction of each image's area off and stretch the rest to the whole size.

    Its sides are in the image's proportion times 3/4 to 4/3: "random resized crop", Szegedy et al. 2014,
    arXiv:1409.4842, section 6.
    """
    import tensorflow as tf

    area, proportion, down, across = tf.unstack(tf.random.stateless_uniform([4, tf.shape(x)[0]], seed))
    area, proportion = 1 - fraction * area, tf.exp((2 * proportion - 1) * tf.math.log(4 / 3))
    height, width = tf.minimum(tf.sqrt(area * proportion), 1.0), tf.minimum(tf.sqrt(area / proportion), 1.0)
    top, left = down * (1 - height), across * (1 - width)
    boxes = tf.stack([top, left, top + height, left + width], axis=1)
    return tf.image.crop_and_resize(x, boxes, tf.range(tf.shape(x)[0]), x.shape[1:3])


def colour_jitter(x, strength: float, seed):
    """Vary brightness, contrast and saturation of each image by factors of up to 1 ± 0.4 times `strength`."""
    import tensorflow as tf

    factors = 1 + 0.4 * strength * tf.random.stateless_uniform([3, tf.shape(x)[0], 1, 1, 1], seed, -1.0, 1.0)
    brightness, contrast, saturation = tf.unstack(factors)
    x = x * brightness
    middle = tf.reduce_mean(x, axis=(1, 2, 3), keepdims=True)
    x = middle + (x - middle) * contrast
    grey = tf.reduce_mean(x, axis=3, keepdims=True)
    return tf.clip_by_value(grey + (x - grey) * saturation, 0.0, 1.0)


def mixup(x, y, alpha, seed):
    """Blend each image, and what is to be predicted of it, with another of its batch: "mixup", arXiv:1710.09412.

    The share of the image itself is drawn from Beta(alpha, alpha), the larger part of it, so that the label with the
    highest probability stays its own. alpha = 0 leaves all as it is.

    Args:
        y: float32 (b, classes), probabilities.
    """
    import tensorflow as tf

    drawn = tf.random.stateless_gamma([2, tf.shape(x)[0]], seed, tf.maximum(alpha, 1e-3))
    share = tf.math.divide_no_nan(drawn[0], drawn[0] + drawn[1])
    share = tf.where(alpha > 0, tf.maximum(share, 1 - share), 1.0)[:, None]
    images = share[:, :, None, None]
    return images * x + (1 - images) * tf.reverse(x, [0]), share * y + (1 - share) * tf.reverse(y, [0])
