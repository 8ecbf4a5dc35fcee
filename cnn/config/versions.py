"""What earlier versions of the format of configurations and sweeps called by other names, and how it is read today.

The only place that knows the old names. Version 2 gave the fields of `Data` the terms of the field; whatever is in a
file of version 1 is read as if it had been written today, and the file stays as it is.
"""

from typing import Any, Final

VERSION: Final = 2  # of what is written
_RENAMED = {  # of `data`: its name in version 1, and today's
    "warp": "random_affine",
    "erase": "random_erasing",
    "restyled": "style_augmentation",
    "strange": "outlier_exposure",
    "own": "own_images",
}
_PATHS = {f"data.{old}": f"data.{new}" for old, new in _RENAMED.items()}  # of settings that a sweep varies


def check_version(version: Any, what: str) -> None:
    """Raises ValueError unless files of this version can be read; what: "configuration" or "sweep"."""
    if type(version) is int and version > VERSION:
        raise ValueError(
            f"This {what} was written by a newer version of the program: its format is version {version}, and this "
            f"program reads versions 1 to {VERSION}. Update the program."
        )
    if type(version) is not int or version < 1:
        raise ValueError(
            f"It is a {what} of version {str(version)[:20]}, and this program reads versions 1 to {VERSION}."
        )


def renamed_data(data: dict[str, Any]) -> dict[str, Any]:
    """The contents of `data` of version 1 by today's names.

    Raises:
        ValueError: it has a name already that version 1 did not know.
    """
    if unknown := [name for name in _RENAMED.values() if name in data]:
        raise ValueError(f'The data of a configuration of version 1 has no "{unknown[0]}": leave it out.')
    return {_RENAMED.get(name, name): value for name, value in data.items()}


def refuse_old_names(data: dict[str, Any]) -> None:
    """Raises ValueError where the contents of `data` of today's version have a name of version 1."""
    if old := [name for name in _RENAMED if name in data]:
        renamed = " and ".join(f'"{name}" is called "{_RENAMED[name]}"' for name in old)
        raise ValueError(f"In the data of a configuration, {renamed} since version 2: rename it.")


def renamed_path(path: str) -> str:
    """The path of a setting by today's names: "data.erase" -> "data.random_erasing"."""
    return _PATHS.get(path, path)


def refuse_old_path(path: str) -> None:
    """Raises ValueError where the path of a setting is one of version 1."""
    if path in _PATHS:
        raise ValueError(f"{path} is called {_PATHS[path]} since version 2: rename it.")


def renamed_paths(content: bytes) -> bytes:
    """JSON text of either version in which every string that is the path of a setting has today's name."""
    for old, new in _PATHS.items():
        content = content.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
    return content
