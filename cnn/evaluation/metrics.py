"""Accuracy, loss and calibration error of a network on a whole split. Returns numbers; draws nothing."""

from typing import Any

import numpy as np

from cnn import data
from cnn.evaluation import calibration, predictions
from cnn.evaluation.predictions import Predictions
from cnn.networks.batch_size import images_at_once


def evaluate(model, split: data.Split) -> dict[str, Any]:
    """Accuracy in [0, 1], loss (that of `keras.Model.evaluate`) and expected calibration error in [0, 1] on a split."""
    return summary(predictions.measure(model, split))


def summary(found: Predictions) -> dict[str, Any]:
    """What a run keeps of its predictions as numbers: split, n, accuracy, loss and calibration error."""
    return {
        "split": found.split,
        "n": len(found),
        "accuracy": round(found.accuracy, 6),
        "loss": round(found.loss, 6),
        "calibration_error": round(calibration.expected_calibration_error(found.probabilities, found.labels), 6),
    }


def predict(model, images: np.ndarray, batch_size: int = 500) -> np.ndarray:
    """Images uint8 (n, h, w) or (n, h, w, c) -> probabilities float32 (n, classes); `batch_size` at once, at most."""
    at_once = images_at_once(model, batch_size)
    batches = (images[start : start + at_once] for start in range(0, len(images), at_once))
    return np.concatenate([np.asarray(model.predict_on_batch(data.scaled(batch))) for batch in batches])


def answers_and_logits(model, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images float32 (n, h, w, c) in [0, 1] -> probabilities and logits, each float32 (n, classes)."""
    from cnn.networks.load import logits, with_features

    both, at_once = with_features(model), images_at_once(model, 500)
    batches = [both.predict_on_batch(pixels[start : start + at_once]) for start in range(0, len(pixels), at_once)]
    probabilities, features = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return probabilities, logits(model, features)
