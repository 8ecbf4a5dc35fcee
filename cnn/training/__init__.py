"""The trainer's process: a run in training, recorded, steered, saved, and picked up where it stopped.

Knows the run directory, through which alone others speak with it; knows nothing of sweeps, charts or pages.
"""
