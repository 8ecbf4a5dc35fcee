"""A run in training, or what came of it: curves, controls, diagnosis, time lapse."""

from cnn.ui import shell
from cnn.ui.runs import deletion
from cnn.ui.train import progress

run = shell.page(
    "Training",
    "Watch the network learn. It trains in the background; close this tab and come back through the same link.",
)
deletion.offer_undo()
progress.show(run)
