"""The settings of a new run as text for a link, and back: `?preset=fast`, or `?network=` with everything that differs.

The text is the JSON of what is not the default, compressed, in the letters that a link may have. It is read as
carefully as a file: whatever it says, each field is checked. Only how the layers fit together is not, since settings
may be invalid for a while, and a reload keeps them so.
"""

import base64
import binascii
import json
import zlib
from typing import Any

from pydantic import BaseModel, ValidationError

from cnn.config import Data, Resources, RunConfig, Training, Transfer, explain, versions
from cnn.config.layers import KINDS, Layer
from cnn.errors import AtelierError

SECTIONS: dict[str, type[BaseModel]] = {
    "data": Data,
    "training": Training,
    "transfer": Transfer,
    "resources": Resources,
}
_LARGEST = 100_000  # bytes of the JSON; the longest possible configuration has about 20,000
_MOST_LAYERS = 64  # as many as a configuration may have


class BadLink(AtelierError, ValueError):
    """A link that does not hold settings; the message is a sentence that says why."""


def encode(preset: str | None, sections: dict[str, dict[str, Any]], layers: list[Layer]) -> str:
    """Settings as text.

    Args:
        preset: the one that they started from.
        sections: the values of data, training, transfer and resources.
        layers: the layers, which need not fit together.
    """
    contents: dict[str, Any] = {"version": versions.VERSION, "layers": []}
    if preset is not None:
        contents["preset"] = preset
    for name, model in SECTIONS.items():
        changed = {k: v for k, v in sections[name].items() if v != model.model_fields[k].default}
        if changed:
            contents[name] = changed
    for layer in layers:
        contents["layers"].append({"kind": layer.kind, **layer.model_dump(exclude_defaults=True)})
    text = json.dumps(contents, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def decode(text: str) -> tuple[str | None, dict[str, dict[str, Any]], list[Layer]]:
    """What `encode` was given.

    Raises:
        BadLink: the text is not settings, or one of them has an invalid value.
    """
    contents = _unpacked(text)
    try:
        versions.check_version(contents.pop("version", None), "link")
        layers = contents.pop("layers", [])
        if not isinstance(layers, list) or not 1 <= len(layers) <= _MOST_LAYERS:
            raise BadLink(f"The link must name 1 to {_MOST_LAYERS} layers.")
        sections = {name: _section(name, contents.pop(name, {})) for name in SECTIONS}
        preset = RunConfig.model_validate({"layers": [{"kind": "flatten"}], **contents}).preset
        return preset, sections, [_layer(values) for values in layers]
    except ValidationError as error:
        raise BadLink(explain(error)) from error
    except ValueError as error:
        raise BadLink(str(error)) from error


def _unpacked(text: str) -> dict[str, Any]:
    """The JSON of a link, which may be cut short or made by hand."""
    try:
        packed = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        stream = zlib.decompressobj()
        plain = stream.decompress(packed, _LARGEST)
        contents = json.loads(plain) if stream.eof else None
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        contents = None
    if not isinstance(contents, dict):
        raise BadLink("Part of the link is missing or changed: copy the whole link.")
    return contents


def _section(name: str, values: Any) -> dict[str, Any]:
    """All values of a section. Those that are valid one by one but not together, such as fractions, are kept."""
    model = SECTIONS[name]
    if not isinstance(values, dict):
        raise BadLink(f"The settings of {name} must be an object, but they are {str(values)[:40]!r}.")
    try:
        return model.model_validate(values, strict=True).model_dump()
    except ValidationError as error:
        if any(problem["loc"] or problem["type"] != "value_error" for problem in error.errors()):
            raise
        if unknown := values.keys() - model.model_fields.keys():
            raise BadLink(f"There is no setting {sorted(unknown)[0][:40]!r}.") from error
        return {**model.model_construct().model_dump(), **values}


def _layer(values: Any) -> Layer:
    kind = values.get("kind") if isinstance(values, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadLink(f"There is no layer of the kind {str(kind)[:40]!r}.")
    return KINDS[kind].model_validate(values, strict=True)
