"""Train one network many times with other settings, and see which of them count."""

from cnn.tuning import sweeps
from cnn.ui import shell
from cnn.ui.runs import deletion
from cnn.ui.sweeps import form, view

shell.page(
    "Sweeps",
    "Train one network many times with other settings, and see which of them count. Each trial is a run of its own, "
    "which you find on the other pages too.",
)
deletion.offer_undo()

sweep = view.choose(sweeps.all_sweeps())
if sweep is not None:
    view.show(sweep)
else:
    form.show()
