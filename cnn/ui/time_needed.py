"""How long a training takes, in words, and by what that is judged."""

from cnn.config import duration
from cnn.runs.estimates import Estimate
from cnn.ui.text import plain


def words(found: Estimate) -> str:
    """How long it takes: "36 s" as measured, "about 40 s" by the same network, "roughly 50 s" by a different one."""
    how = "roughly " if not found.exact else "about " if found.run else ""
    return f"{how}{duration(found.seconds)}"


def source(found: Estimate) -> str:
    """Where an estimate of the time is from."""
    if found.run is not None:
        other = "" if found.exact else ", a different network"
        return f"on this machine, judged by your run {plain(found.run.name)}{other}."
    how = "measured on" if found.exact else "judged by a different network on"
    return f"{how} {found.machine}, see docs/benchmarks.md. Your first run shows how fast this machine is."
