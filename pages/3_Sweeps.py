"""Train one network many times with other settings, and see which of them count."""

from cnn import sweeps
from cnn.ui import deletion, shell, sweep_form, sweep_view

shell.page(
    "Sweeps",
    "Train one network many times with other settings, and see which of them count. Each trial is a run of its own, "
    "which you find on the other pages too.",
)
deletion.offer_undo()

sweep = sweep_view.choose(sweeps.all_sweeps())
if sweep is not None:
    sweep_view.show(sweep)
else:
    sweep_form.show()
