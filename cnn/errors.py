"""The base of every error that people read, and the two ways in which work that goes on by itself comes to an end.

Each package defines its own errors beside what raises them; they meet here, so that a page or a command can say what is
wrong without knowing who found it. Knows nothing of the project.
"""


class AtelierError(Exception):
    """Something that people can do something about; `str(error)` is shown to them as it stands.

    The message is one sentence or a few: what is wrong, and what to do. Everything else is a bug or an OSError.
    """


class CannotGoOn(AtelierError, RuntimeError):
    """A training or a sweep has failed in a way that is no bug; the message says what to do."""


class Stopped(Exception):
    """Somebody asked the work to stop, or has deleted its folder. No trouble, so it says nothing."""
