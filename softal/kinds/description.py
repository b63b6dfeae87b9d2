"""Describes the settings of a pydantic model for people: one row a key, with its type, default and meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

REQUIRED = "required"
HUGE = 1e9  # bounds from here on guard against typing errors, and tell a reader nothing
_WORDS = {
    "number": "number",
    "integer": "whole number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
    "object": "mapping",
    "array": "list",
    "duration": "duration",
    "memory": "amount of memory",
    "kind": "kind, or mapping with `kind`",
}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


@dataclass(frozen=True)
class Row:
    """One key of a section.

    Attributes:
        key: dotted where it stands in a mapping of its own.
        type: in words, with bounds.
        default: as it would stand in the file, or `required`.
        description: with the unit in brackets.
    """

    key: str
    type: str
    default: str
    description: str


def rows_of(model: type[BaseModel]) -> list[Row]:
    """Return a row for each key of a model, required ones first, those of models in it included; without `kind`."""
    schema = model.model_json_schema()
    return list(_rows(schema, schema.get("$defs", {}), ""))


def _rows(schema: Mapping[str, Any], models: Mapping[str, Any], prefix: str) -> Iterator[Row]:
    required, attributes = schema.get("required", []), _attributes(schema.get("description", ""))
    properties = schema.get("properties", {})
    for key, field in sorted(properties.items(), key=lambda named: named[0] not in required):  # these come first
        if key == "kind":
            continue
        default = REQUIRED if key in required else _value(field.get("default"))
        description = (
            field.get("description")
            or attributes.get(key)
            or _first_paragraph(_inner(field, models).get("description", ""))
        )
        yield Row(prefix + key, _type(field, models), default, description)
        for inner in _models(field, models):
            yield from _rows(inner, models, f"{prefix}{key}.")


def _inner(field: Mapping[str, Any], models: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(_models(field, models), {})


def _models(field: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return the models that may stand at a key."""
    if "$ref" in field:
        found = models[field["$ref"].rpartition("/")[2]]
        if "properties" in found:
            yield found
    for option in (*field.get("anyOf", ()), *field.get("oneOf", ()), *field.get("allOf", ())):
        yield from _models(option, models)


def _type(field: Mapping[str, Any], models: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return _type(models[field["$ref"].rpartition("/")[2]], models)
    options = [*field.get("anyOf", ()), *field.get("oneOf", ()), *field.get("allOf", ())]
    if options:
        return " or ".join(dict.fromkeys(_type(option, models) for option in options))
    if "const" in field:
        return _value(field["const"])
    if "enum" in field:
        return " or ".join(_value(choice) for choice in field["enum"])
    word = _WORDS.get(field.get("type", ""), "any value")
    if word == "list":
        return _list(field, models)
    if word == "mapping" and isinstance(field.get("additionalProperties"), Mapping):
        return f"mapping of names to {_type(field['additionalProperties'], models)}"
    bounds = [f"{sign} {field[key]:g}" for key, sign in _BOUNDS.items() if key in field and abs(field[key]) < HUGE]
    return f"{word} {', '.join(bounds)}".rstrip()


def _list(field: Mapping[str, Any], models: Mapping[str, Any]) -> str:
    if "prefixItems" in field:
        return "[" + ", ".join(_type(item, models) for item in field["prefixItems"]) + "]"
    item = field.get("items", {})
    return f"list of {_type(item, models)}" if item else "list"


def _value(value: object) -> str:
    """Return a value as it stands in YAML."""
    if isinstance(value, str):
        return f"`{value}`" if value else '`""`'
    return "as below" if isinstance(value, dict) and value else f"`{json.dumps(value)}`"


def _attributes(docstring: str) -> dict[str, str]:
    """Return what the section `Attributes:` of a docstring says about each."""
    found: dict[str, str] = {}
    lines = docstring.partition("Attributes:\n")[2].split("\n\n")[0].splitlines()
    for line in lines:
        name, colon, text = line.strip().partition(": ")
        if colon and name.isidentifier() and len(line) - len(line.lstrip()) == 4:
            found[name] = text
        elif found:
            found[next(reversed(found))] += f" {line.strip()}"
    return found


def _first_paragraph(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())
