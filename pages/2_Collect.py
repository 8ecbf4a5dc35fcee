"""Make datasets of people's own: their classes, and the images of each."""

from cnn.ui import shell
from cnn.ui.collect import page

shell.page("Collect", "Make a dataset of your own: name its classes, then add images to each.")
page.show()
