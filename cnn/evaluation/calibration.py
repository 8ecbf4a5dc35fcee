"""How far a network's confidence can be believed, and making it so. Knows probabilities and labels, no images."""

import numpy as np

BINS = 15


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean distance of confidence from accuracy over 15 equal bins of confidence, weighted by their size.

    "On Calibration of Modern Neural Networks" (Guo et al. 2017, arXiv:1706.04599), equation 3.

    Args:
        probabilities: (n, classes), n > 0.
        labels: (n,), the true classes.

    Returns:
        In [0, 1]; 0 where, of all answers given with confidence c, the fraction c is right.

    >>> answers = np.array([[0.9, 0.1], [0.9, 0.1]])
    >>> round(expected_calibration_error(answers, np.array([0, 1])), 3)
    0.4
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, confidence, BINS) - np.bincount(bins, right, BINS)
    return float(np.abs(gaps).sum() / len(labels))


def temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The number that the logits must be divided by so that the mean cross-entropy is least (Guo et al., section 4.2).

    Args:
        probabilities: (n, classes). labels: (n,).

    Returns:
        In [0.25, 4], to 1%; above 1 where the network was too sure.
    """
    logits = np.log(np.maximum(probabilities, 1e-12))
    chosen = np.arange(len(labels)), labels

    def loss(divisor: float) -> float:
        scaled = logits / divisor
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[chosen]).mean())

    return float(min(np.geomspace(0.25, 4, 281), key=loss))


def apply_temperature(model, divisor: float) -> None:
    """Divide a network's logits by a temperature, in the weights of its output layer."""
    output = model.layers[-1]
    output.set_weights([weights / divisor for weights in output.get_weights()])
