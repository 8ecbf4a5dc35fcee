"""What varies a batch of training images: affine changes, erased rectangles, flips, shifts. Same seed, same change."""


def random_affine(x, strength, seed):
    """Turn, stretch, shear and move each image about its middle by normal amounts, times `strength` (b,)."""
    import tensorflow as tf

    size = x.shape[1]
    spreads = tf.constant([[0.12], [0.08], [0.08], [0.06], [1.3], [1.3]])  # radians, log scales, shear, pixels
    amounts = tf.random.stateless_normal([6, tf.shape(x)[0]], seed) * spreads * strength
    turn, wide, high, shear, across, down = tf.unstack(amounts)
    a, b = tf.cos(turn) * tf.exp(wide), shear - tf.sin(turn) * tf.exp(high)
    c, d = tf.sin(turn) * tf.exp(wide), tf.cos(turn) * tf.exp(high)
    middle, zero = (size - 1) / 2, tf.zeros_like(turn)
    x0, y0 = middle - (a + b) * middle + across, middle - (c + d) * middle + down
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=x,
        transforms=tf.stack([a, b, x0, c, d, y0, zero, zero], axis=1),
        output_shape=[size, size],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def random_erasing(x, share: float, seed):
    """Fill a rectangle of some of the images with one random grey: "Random Erasing", arXiv:1708.04896.

    It covers 2 to 25% of the image, with sides in a proportion of at most 3.3 to 1.
    """
    import tensorflow as tf

    size = x.shape[1]
    draw, area, proportion, down, across, grey = tf.unstack(tf.random.stateless_uniform([6, tf.shape(x)[0]], seed))
    area, proportion = (0.02 + 0.23 * area) * size**2, tf.exp((2 * proportion - 1) * tf.math.log(3.3))
    height, width = tf.sqrt(area * proportion), tf.sqrt(area / proportion)

    def within(start, length):
        """Which pixels (b, size) of a side lie in the rectangle."""
        start, place = (start * (size - length))[:, None], tf.range(size, dtype=tf.float32)
        return (place >= start) & (place < start + length[:, None])

    covered = within(down, height)[:, :, None] & within(across, width)[:, None, :] & (draw < share)[:, None, None]
    return tf.where(covered[..., None], grey[:, None, None, None], x)


def random_flip(x, seed):
    import tensorflow as tf

    mirrored = tf.random.stateless_uniform([tf.shape(x)[0], 1, 1, 1], seed) < 0.5
    return tf.where(mirrored, tf.reverse(x, axis=[2]), x)


def random_shift(x, pixels: int, seed):
    """Move each image by its own whole number of pixels in [-pixels, pixels] on both axes; black moves in."""
    import tensorflow as tf

    size = x.shape[1]
    offsets = tf.random.stateless_uniform([2, tf.shape(x)[0], 1], seed, 0, 2 * pixels + 1, tf.int32)
    rows, columns = tf.unstack(offsets + tf.range(size))  # (b, 28) each, positions in the padded image
    padded = tf.pad(x, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]])
    return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)
