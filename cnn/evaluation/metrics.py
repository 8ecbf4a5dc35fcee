"""Accuracy, loss and calibration error of a network on a whole split. Returns numbers; draws nothing."""

from typing import Any

import numpy as np

from cnn import data
from cnn.evaluation import calibration, predictions
from cnn.evaluation.predictions import Predictions


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
    """Images uint8 (n, h, w) -> probabilities float32 (n, classes)."""
    batches = [images[start : start + batch_size] for start in range(0, len(images), batch_size)]
    return np.concatenate([np.asarray(model.predict_on_batch(data.scaled(batch))) for batch in batches])


def answers_and_logits(model, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images float32 (n, h, w, c) in [0, 1] -> probabilities and logits, each float32 (n, classes)."""
    from cnn.networks.load import logits, with_features

    both = with_features(model)
    batches = [both.predict_on_batch(pixels[start : start + 500]) for start in range(0, len(pixels), 500)]
    probabilities, features = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return probabilities, logits(model, features)
