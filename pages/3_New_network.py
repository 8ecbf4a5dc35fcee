"""Build a network and start its training."""

from cnn.ui import shell
from cnn.ui.train import form

shell.page("New network", "Choose a preset and images, change anything, and start the training.")
form.show()
