"""The Train page: the form for a new run, and a run in training."""
