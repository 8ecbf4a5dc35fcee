"""One prediction from file to probabilities: `python -m benchmarks.prediction_latency [--trials N] [--run RUN]`.

Rivals, in the same process and in turn: the bare forward pass of the same network on a ready picture, once as Keras
users write it (`model(x, training=False)`) and once compiled with `tf.function`. Ours reads the bytes of a file,
decodes, goes through the whole recipe of `cnn.images`, and answers. Target: at most 1.5 times the bare forward pass,
and at most 20 ms.
"""

import argparse
import io
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from PIL import Image

from benchmarks.report import machine, spread
from cnn import images, runs, synthetic
from cnn.predict import Predictor


def files() -> dict[str, bytes]:
    """A dataset picture, a product photo of the size that Fashion-MNIST was made from, and a phone photo."""
    garment = synthetic.draw(0, np.random.default_rng(7), 800)
    noise = np.random.default_rng(8)
    made = {}
    for name, (width, height) in {"762×1000 JPEG": (762, 1000), "4000×3000 JPEG": (4000, 3000)}.items():
        canvas = Image.new("L", (width, height), 253)
        edge = int(min(width, height) * 0.9)
        canvas.paste(Image.fromarray(255 - garment).resize((edge, edge)), ((width - edge) // 2, (height - edge) // 2))
        grainy = np.asarray(canvas, np.float32)[..., None] + noise.normal(0, 3, (height, width, 3))
        made[name] = encoded(Image.fromarray(grainy.clip(0, 255).astype(np.uint8)), "JPEG")
    return {"28×28 PNG": encoded(Image.fromarray(synthetic.draw(0, np.random.default_rng(7))), "PNG"), **made}


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
        name: lambda content=content: predictor(images.read(content).pixels[None]) for name, content in files().items()
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
