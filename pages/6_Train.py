"""A run in training, or what came of it: curves, controls, diagnosis, time lapse."""

from cnn.ui import shell
from cnn.ui.runs import deletion
from cnn.ui.train import progress

run = shell.page("Training", "It runs in the background: the link of this page brings you back.")
deletion.offer_undo()
progress.show(run)
