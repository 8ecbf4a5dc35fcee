"""One prediction from file to answer: `python -m benchmarks.prediction_latency [--trials N] [--run RUN]`.

Rivals, in the same process and in turn: the bare forward pass of the same network on a ready image, once as Keras
users write it (`model(x, training=False)`) and once compiled with `tf.function`. Ours reads the bytes of a file,
decodes, understands the image (a photo's garment is found in up to three ways), and answers, as `python -m
cnn.predict` does. Targets: at most 60 ms for a photo of 400 pixels, and at most 150 ms for one of 12 megapixels.
"""

import argparse
import io
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from PIL import Image

from benchmarks.report import machine, spread
from cnn import runs
from cnn.data import synthetic
from cnn.networks.predictor import Predictor
from cnn.pictures import readings


def files() -> dict[str, bytes]:
    """A dataset image, a line drawing, and phone photos of a garment on a patterned floor."""
    chance = np.random.default_rng(7)
    garment = Image.fromarray(synthetic.draw(0, chance, 800))
    made = {"28×28 PNG": encoded(Image.fromarray(synthetic.draw(0, np.random.default_rng(7))), "PNG")}
    outline = garment.point(lambda level: 255 if level > 20 else 0).resize((280, 280))
    inner = outline.resize((264, 264))
    drawing = Image.new("L", (280, 280), 255)
    drawing.paste(0, mask=outline)
    drawing.paste(255, (8, 8), inner)
    made["280×280 drawing"] = encoded(drawing, "PNG")
    for name, (width, height) in {"400×300 JPEG": (400, 300), "4000×3000 JPEG": (4000, 3000)}.items():
        tiles = chance.integers(90, 200, (height * 12 // width, 12, 3), np.uint8)
        floor = Image.fromarray(tiles).resize((width, height), Image.Resampling.BILINEAR)
        edge = int(height * 0.8)
        cloth = garment.resize((edge, edge))
        colour = Image.merge(
            "RGB", [cloth.point(lambda level, tint=tint: int(level * tint)) for tint in (0.9, 0.3, 0.4)]
        )
        floor.paste(
            colour, ((width - edge) // 2, (height - edge) // 2), cloth.point(lambda level: 255 if level > 20 else 0)
        )
        grainy = np.asarray(floor, np.float32) + chance.normal(0, 5, (height, width, 3))
        made[name] = encoded(Image.fromarray(grainy.clip(0, 255).astype(np.uint8)), "JPEG")
    return made


def encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=90)
    return buffer.getvalue()


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--run", default=runs.DEFAULT_ID)
    options = parser.parse_args()
    predictor = Predictor(runs.find(options.run))
    ready = tf.constant(synthetic.draw(0, np.random.default_rng(7))[None, ..., None] / 255.0, tf.float32)
    compiled = tf.function(lambda x: predictor.model(x, training=False), reduce_retracing=True)
    bare = {
        "bare model(x)": lambda: predictor.model(ready, training=False).numpy(),
        "bare, compiled": lambda: compiled(ready).numpy(),
    }
    ours = {
        name: lambda content=content: predictor.answer(readings.read(content, used_only=True))
        for name, content in files().items()
    }
    work = {**bare, **ours}
    for one in work.values():
        one()
    times = {name: [] for name in work}
    for _ in range(options.trials):
        for name, one in work.items():
            times[name].append(milliseconds(one))
    print(machine())
    print(f"{options.trials} trials, run {predictor.run.id}; median (range)")
    print(f"{'':16}  {'ms':24}  / bare model(x)          / bare, compiled")
    for name, values in times.items():
        ratios = [
            spread([a / b for a, b in zip(values, times[rival], strict=True)], 2) if name in ours else ""
            for rival in bare
        ]
        print(f"{name:16}  {spread(values, 1):24}  {ratios[0]:24}  {ratios[1]}")


if __name__ == "__main__":
    main()
