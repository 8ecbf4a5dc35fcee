"""The Explore page on the server and in a browser: `python -m benchmarks.looking_inside [--trials N] [--run RUN]`.

Rivals, in the same process and in turn, are what Keras users write: all outputs by a Keras model of all layers, each
map coloured by itself with Plotly's sample_colorscale left out of the time; Grad-CAM with an eager `GradientTape`; all
windows of an occlusion through `model(x)` in one batch; 1,000 test images through `model.predict`. Targets for the
lecture's network on 2 cores: all feature maps computed and drawn in 150 ms, Grad-CAM in 60 ms, occlusion at stride 2 in
400 ms, an operation on a filter tried on 1,000 test images in 2 s, what excites the filters of the first three
convolutions in 30 s, a layer of 256 maps from click to pixels in 400 ms in Chromium.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from benchmarks.report import machine, spread
from cnn import charts, data, runs
from cnn.data import Split
from cnn.interpret import ablation, activation_maximization
from cnn.interpret.ablation import Bench, Operation
from cnn.interpret.attribution import METHODS, Explainer
from cnn.networks.forward import Forward
from cnn.networks.load import load

_TESTED = 1000  # test images of an operation
_LAYER = "conv2d_3"  # of the lecture's network: 256 maps
_PROJECT = Path(__file__).resolve().parents[1]

# From the click until the layer's maps have been there for a frame.
_CLICK = """async (layer) => {
  const root = (key) => [...document.querySelectorAll(`.st-key-${key} *`)].find((one) => one.shadowRoot)?.shadowRoot;
  const names = [...root("overview").querySelectorAll("button.head")];
  const name = names.find((one) => one.textContent.startsWith(layer + " "));
  const frame = () => new Promise(requestAnimationFrame);
  const begin = performance.now();
  name.click();
  while (performance.now() - begin < 10000) {
    await frame();
    const sheet = root("layer")?.querySelector(".sheet");
    if (sheet?.ariaLabel?.includes(` of ${layer};`)) {
      await frame();
      return [performance.now() - begin, sheet.querySelectorAll(".map").length];
    }
  }
  throw new Error("The layer did not open.");
}"""


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def everything(steps) -> object:
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def drawn(forward: Forward, pixels: np.ndarray) -> int:
    """All feature maps of an image, computed and as the images that the browser is sent. Returns their bytes."""
    total = 0
    for name, values in forward(pixels).items():
        maps = values[0] if values.ndim == 4 else values[0][None, None]
        range_ = None if values.ndim == 4 else charts.value_range(maps)
        total += len(charts.data_url(charts.sprite(charts.coloured_maps(maps, range_))[0])) if name else 0
    return total


def eager_grad_cam(network: keras.Model, layer: str, pixels: np.ndarray, class_: int) -> np.ndarray:
    """As in the Keras guide, on the probability."""
    both = keras.Model(network.inputs, [network.get_layer(layer).output, network.output])
    with tf.GradientTape() as tape:
        maps, answers = both(pixels)
        score = answers[:, class_]
    slopes = tape.gradient(score, maps)
    return np.maximum((maps[0] * tf.reduce_mean(slopes, axis=(0, 1, 2))).numpy().sum(axis=-1), 0)


def eager_occlusion(network: keras.Model, pixels: np.ndarray, class_: int) -> np.ndarray:
    """A black window of 8 x 8 at every second pixel, all in one batch."""
    starts = range(0, 21, 2)
    covered = np.repeat(pixels, len(starts) ** 2, axis=0)
    for index, (top, left) in enumerate((top, left) for top in starts for left in starts):
        covered[index, top : top + 8, left : left + 8] = 0
    return np.asarray(network(covered, training=False))[:, class_]


def on_the_server(forward: Forward, test: Split, trials: int) -> None:
    network, explainer = forward.model, Explainer(forward)
    layer = explainer.last_layer
    every = keras.Model(network.input, [one.output for one in network.layers[1:]])
    chance = np.random.default_rng(0)
    pictures = data.scaled(test.images[chance.choice(len(test.images), trials + 1, replace=False)])
    base = forward.weights()
    rivals = {
        "all maps by a Keras model, not drawn": lambda x, c: [np.asarray(values) for values in every(x)],
        "Grad-CAM, eager": lambda x, c: eager_grad_cam(network, layer, x, c),
        "occlusion, one batch": lambda x, c: eager_occlusion(network, x, c),
    }
    ours = {
        "all maps, computed": lambda x, c: forward(x),
        "all maps, computed and drawn": lambda x, c: drawn(forward, x),
        **{
            method.name: lambda x, c, key=key: explainer.explain(
                key, x[0], c, layer if METHODS[key].needs_layer else None
            )
            for key, method in METHODS.items()
        },
    }
    times: dict[str, list[float]] = {name: [] for name in (*rivals, *ours)}
    for number, picture in enumerate(pictures):
        x = picture[None]
        class_ = int(forward(x)[forward.output][0].argmax())
        for name, work in {**rivals, **ours}.items():
            spent = seconds(lambda work=work, x=x, class_=class_: work(x, class_))
            if number:  # the first one compiles
                times[name].append(1000 * spent)
    for name, values in times.items():
        print(f"| {name} | {spread(values)} ms |", flush=True)
    operations(forward, Split(test.images[:_TESTED], test.labels[:_TESTED]), base, max(3, trials // 10))


def operations(forward: Forward, test: Split, base: dict, trials: int) -> None:
    """A filter muted, in each layer, and all test images answered again."""
    network, bench = forward.model, Bench(forward, *test)
    pictures = data.scaled(test.images)
    network.predict(pictures, batch_size=100, verbose=0)
    rival = [seconds(lambda: network.predict(pictures, batch_size=100, verbose=0)) for _ in range(trials)]
    print(f"| {len(pictures):,} images by model.predict | {spread(rival, 2)} s |")
    bench.answers(base, base)  # as the page does before anybody can operate
    for layer in ablation.operable(forward):
        bench.answers(ablation.operated(forward, base, [Operation("mute", layer, (0,))]), base)  # compiles
        times = []
        for trial in range(1, trials + 1):
            weights = ablation.operated(forward, base, [Operation("mute", layer, (trial,))])
            times.append(seconds(lambda weights=weights: bench.answers(weights, base)))
        print(f"| a filter of {layer} muted, {len(pictures):,} images | {spread(times, 2)} s |")


def excited(forward: Forward, run: runs.Run, test: Split, trials: int) -> None:
    convolutions = [row.name for row in run.config.rows() if row.type == "Conv2D"][:3]
    times = [
        seconds(lambda: everything(activation_maximization.of(forward, run.config.rows(), convolutions, test.images)))
        for _ in range(trials)
    ]
    print(f"| what excites {', '.join(convolutions)}, {len(test.images):,} test images | {spread(times)} s |")


def in_a_browser(trials: int) -> None:
    """A layer of 256 maps of the lecture's network, from the click in the overview to the pixels."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    server = subprocess.Popen(
        command,
        cwd=_PROJECT,
        env={**os.environ, "CNN_RUNS": folder},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2)
                break
            except OSError:
                time.sleep(0.5)
        with sync_playwright() as playwright:
            options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            page.goto(f"http://127.0.0.1:{port}/Explore?run=lecture")
            page.locator(".st-key-map").first.wait_for(timeout=120_000)
            page.wait_for_timeout(5000)
            times = []
            for trial in range(trials + 1):
                for layer in ("conv2d_1", _LAYER):
                    spent, count = page.evaluate(_CLICK, layer)
                    page.wait_for_timeout(1500)
                if trial:
                    times.append(spent)
            browser.close()
        print(f"| a layer of {count} maps opened in Chromium, click to pixels | {spread(times, 0)} ms |")
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--run", default="lecture")
    parser.add_argument("--browser", action="store_true", help="also open a layer in Chromium; needs playwright")
    options = parser.parse_args()
    run = runs.find(options.run)
    test = data.load(run.config.data).test
    forward = Forward(load(run))
    print(f"{machine()}\n{run.name}, {options.trials} trials: median (range)\n\n| | |\n|---|---|")
    on_the_server(forward, test, options.trials)
    excited(forward, run, test, max(2, options.trials // 10))
    if options.browser:
        in_a_browser(options.trials)


if __name__ == "__main__":
    main()
