"""Model files that earlier versions of Keras open too.

Keras writes every argument of a layer into a `.keras` file, and refuses to open a file with arguments that it does not
know. So a file that Keras 3.15 has written opens in no earlier version, because of arguments that nobody has set.
"""

import inspect
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import keras


def save(model: keras.Model, path: Path) -> None:
    """Write a model into a `.keras` file that earlier versions of Keras open too."""
    model.save(path)
    path.write_bytes(portable(path.read_bytes()))


def compressed(content: bytes) -> bytes:
    """The content of a `.keras` file in a third to nine tenths of its size, for a network that is shipped.

    Values that 16 bits can hold, such as those of a backbone, are zeros in half of their 32. Keras reads such a file,
    but slowly, where it loads its weights alone: see `load_weights`.
    """
    return _zipped(content, zipfile.ZIP_LZMA)


def load_weights(model: keras.Model, path: Path) -> None:
    """As `model.load_weights`, quickly of a compressed file, too: Keras reads it with thousands of jumps."""
    with zipfile.ZipFile(path) as file:
        is_stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in file.infolist())
    if is_stored:
        model.load_weights(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / path.name
        plain.write_bytes(_zipped(path.read_bytes(), zipfile.ZIP_STORED))
        model.load_weights(plain)


def _zipped(content: bytes, compression: int) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w", compression) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
    return written.getvalue()


def portable(content: bytes) -> bytes:
    """The content of a `.keras` file without the arguments that have their default value.

    The weights stay as they are, bit for bit, and what is no `.keras` file is returned as it is.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            members = {entry: file.read(entry) for entry in file.infolist()}
            config = json.loads(file.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError):
        return content
    rewritten = io.BytesIO()
    with zipfile.ZipFile(rewritten, "w") as file:
        for entry, member in members.items():
            entry.compress_type = zipfile.ZIP_STORED
            file.writestr(entry, json.dumps(_sparse(config)) if entry.filename == "config.json" else member)
    return rewritten.getvalue()


def _sparse(node: Any) -> Any:
    """A part of the configuration in which each object of Keras has only what is not its default."""
    if isinstance(node, list):
        return [_sparse(part) for part in node]
    if not isinstance(node, dict):
        return node
    node = {name: _sparse(part) for name, part in node.items()}
    if isinstance(node.get("config"), dict):
        defaults = _defaults(node)
        node["config"] = {
            name: value for name, value in node["config"].items() if name not in defaults or defaults[name] != value
        }
    return node


def _defaults(node: dict[str, Any]) -> dict[str, Any]:
    """The default values of an object's arguments, by name. Of an unknown object none."""
    package, _, module = str(node.get("module")).partition(".")
    known = vars(getattr(keras, module, keras)) if package == "keras" else {}
    made = keras.saving.get_registered_object(node.get("registered_name")) or known.get(node.get("class_name"))
    if not inspect.isclass(made):
        return {}
    arguments = inspect.signature(made.__init__).parameters.values()
    return {argument.name: argument.default for argument in arguments if argument.default is not argument.empty}
