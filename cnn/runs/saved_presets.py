"""People's own presets, kept as JSON files in the runs folder, and configurations as files to hand on.

A saved preset is `.presets/<name>.json`, in the format of a run's config.json. Its name, of lower-case letters,
digits and hyphens, is the file's, the one on the page and the one for `python -m cnn.train --preset`. The program's
own presets are in `cnn.config`. Knows nothing of the page, and imports no TensorFlow.
"""

import re
from pathlib import Path

from pydantic import ValidationError

from cnn.config import RunConfig, explain, presets
from cnn.errors import AtelierError
from cnn.runs.directory import root
from cnn.runs.files import NotText, decoded, json_text, write_text

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LARGEST = 200_000  # bytes of a configuration; the longest possible one has about 20,000


class Unreadable(AtelierError, ValueError):
    """A file that is not a configuration of this program; the message is a sentence that says why."""


class UnknownPreset(AtelierError, LookupError):
    """There is no preset of this name."""


class ImpossibleName(AtelierError, ValueError):
    """No preset can have this name."""


class PresetExists(AtelierError, FileExistsError):
    """A preset of this name is there already."""


def own() -> tuple[dict[str, RunConfig], list[str]]:
    """The saved presets by name, in alphabetical order; and a sentence about each file that is passed over."""
    found, problems = {}, []
    for path in sorted(_folder().glob("*.json")):
        name = path.stem
        try:
            if not _NAME.fullmatch(name) or name in presets():
                raise Unreadable("Its name is not that of a saved preset.")
            found[name] = parse(_content(path)).model_copy(update={"preset": name})
        except Unreadable as error:
            problems.append(f"The preset file {path.name} is passed over. {error}")
    return found, problems


def names() -> list[str]:
    """The names that `find` knows: the built-in presets, then the saved ones."""
    return [*presets(), *own()[0]]


def find(name: str) -> RunConfig:
    """A built-in or saved preset.

    Raises:
        UnknownPreset: there is none of this name.
        Unreadable: its file is broken.
    """
    if name in presets():
        return presets()[name]
    path = _folder() / f"{name}.json"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise UnknownPreset(f"There is no preset {name[:80]!r}: choose one of {', '.join(names())}.")
    try:
        return parse(_content(path)).model_copy(update={"preset": name})
    except Unreadable as error:
        raise Unreadable(f"The preset {name} cannot be used. {error}") from error


def name_for(text: str) -> str:
    """The name that a preset gets when it is saved as `text`, "My net 2" becoming "my-net-2".

    Raises:
        ImpossibleName: no letter a to z and no digit is left, or the name is one of the program's.
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
    if not name:
        raise ImpossibleName("A preset's name needs letters from a to z or digits, because it is also a file's name.")
    if name in presets():
        raise ImpossibleName(f"{name} is one of the program's own presets: choose another name.")
    return name


def save(text: str, settings: RunConfig, overwrite: bool = False) -> str:
    """Keep a configuration as a preset. Returns the preset's name.

    Raises:
        ImpossibleName: there can be no preset of this name.
        PresetExists: there is one already, and it is not to be overwritten.
        OSError: the runs folder cannot be written.
    """
    name = name_for(text)
    path = _folder() / f"{name}.json"
    if path.exists() and not overwrite:
        raise PresetExists(f"There is already a preset {name}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, to_json(settings.model_copy(update={"preset": name})))
    return name


def delete(name: str) -> None:
    """Delete a saved preset; one that is gone already is no trouble.

    Raises:
        OSError: the runs folder cannot be written.
    """
    if _NAME.fullmatch(name):
        (_folder() / f"{name}.json").unlink(missing_ok=True)


def to_json(settings: RunConfig) -> str:
    """A configuration exactly as it stands in a run's config.json."""
    return json_text(settings.model_dump(mode="json"))


def parse(content: bytes) -> RunConfig:
    """Read a configuration that `to_json` or a run wrote.

    Raises:
        Unreadable: it is too large, no JSON, of another version, or something in it is wrong, which the message names.
    """
    if len(content) > _LARGEST:
        raise Unreadable(f"It has {len(content):,} bytes, and a configuration has at most {_LARGEST:,}.")
    try:
        return RunConfig.model_validate_json(decoded(content))
    except (NotText, ValidationError) as error:
        raise Unreadable(explain(error)) from error


def _folder() -> Path:
    return root() / ".presets"


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST + 1)
    except OSError as error:
        raise Unreadable(f"It cannot be read: {error.strerror}.") from error
