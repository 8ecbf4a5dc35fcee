"""Train one network many times with different settings, see which matter."""

from cnn.tuning import sweeps
from cnn.ui import shell
from cnn.ui.runs import deletion
from cnn.ui.sweeps import form, view

shell.page("Sweeps", "Train one network many times with different settings, see which matter.")
deletion.offer_undo()

sweep = view.choose(sweeps.all_sweeps())
if sweep is not None:
    view.show(sweep)
else:
    form.show()
