"""Accuracy, loss and calibration error of a network on a whole split. Returns numbers; draws nothing."""

from typing import Any

import numpy as np

from cnn import data
from cnn.evaluation import calibration
from cnn.networks import test_time_augmentation


def evaluate(model, split: data.Split) -> dict[str, Any]:
    """Accuracy in [0, 1], mean cross-entropy (in nats) and expected calibration error in [0, 1] on a whole split.

    The loss is that of `keras.Model.evaluate`, which also computes it from the logits: in 32 bits a probability may
    have become 0, and whoever gives it a least value makes the loss smaller than it is. As there, the penalties of
    layers with L2 weight decay are in it.
    """
    import keras

    probabilities, logits = answers_and_logits(model, data.scaled(split.images))
    losses = np.asarray(keras.losses.sparse_categorical_crossentropy(split.labels, logits, from_logits=True))
    return {
        "split": "test",
        "n": len(split.labels),
        "accuracy": round(float((probabilities.argmax(axis=1) == split.labels).mean()), 6),
        "loss": round(float(losses.mean(dtype=np.float64) + sum(map(float, model.losses))), 6),
        "calibration_error": round(calibration.expected_calibration_error(probabilities, split.labels), 6),
    }


def evaluate_answers(model, split: data.Split) -> dict[str, Any]:
    """Accuracy and expected calibration error of the answers that `cnn.predict` gives, means over several looks."""
    starts = range(0, len(split.labels), 200)
    looks = [test_time_augmentation.augment(data.scaled(split.images[start : start + 200])) for start in starts]
    answers = np.concatenate(
        [test_time_augmentation.average(np.asarray(model.predict_on_batch(batch))) for batch in looks]
    )
    return {
        "split": "test",
        "n": len(split.labels),
        "accuracy": round(float((answers.argmax(axis=1) == split.labels).mean()), 6),
        "calibration_error": round(calibration.expected_calibration_error(answers, split.labels), 6),
    }


def predict(model, images: np.ndarray, batch_size: int = 500) -> np.ndarray:
    """Images uint8 (n, 28, 28) -> probabilities float32 (n, 10)."""
    batches = [images[start : start + batch_size] for start in range(0, len(images), batch_size)]
    return np.concatenate([np.asarray(model.predict_on_batch(data.scaled(batch))) for batch in batches])


def answers_and_logits(model, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images float32 (n, 28, 28, 1) in [0, 1] -> probabilities and logits, each float32 (n, 10)."""
    from cnn.networks.load import logits, with_features

    both = with_features(model)
    batches = [both.predict_on_batch(pixels[start : start + 500]) for start in range(0, len(pixels), 500)]
    probabilities, features = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return probabilities, logits(model, features)
