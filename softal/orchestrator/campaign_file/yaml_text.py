"""Reads YAML into plain data, safely and with every mistake at once; writes it; says where two texts differ.

Scalars are read as YAML 1.2 does, because YAML 1.1 surprises scientists: there `1e-3` is text, `off` is false, `010` is
eight and `10:30` is 630. No object but text, number, true, false, null, list and mapping is ever made.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from softal.errors import CampaignFileError, Problem
from softal.kinds.validation import join, show

MAX_BYTES = 1_000_000  # of a campaign file: its data belongs into other files
MAX_DEPTH = 30  # of lists and mappings in each other
MAX_DIGITS = 1000  # of a number: 1.8e308 is the largest that is finite
MAX_WHOLE = int(sys.float_info.max)  # beyond it, whole numbers cannot become real ones
MAX_NODES = 100_000  # after anchors are expanded: an alias bomb has billions
MAX_WRITTEN = 20_000  # values that stand there: PyYAML takes about 2 s for them

_RESOLVERS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}
_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own way)
    depth = 0  # of lists and mappings around the node that is read
    nodes = 0  # that were read

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse deep nesting, since this is recursive, and more values than a campaign has."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        holds = isinstance(event, yaml.CollectionStartEvent)
        self.depth, self.nodes = self.depth + holds, self.nodes + 1
        if self.depth > MAX_DEPTH:
            raise _too_deep(event.start_mark)
        if self.nodes > MAX_WRITTEN:
            raise _refused(f"it has more than {MAX_WRITTEN} values; data belongs into other files", event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= holds
        return node


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _name, (_pattern, _first) in _RESOLVERS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), _first)


def read_yaml(text: str) -> Any:
    """Return the plain data in a YAML text.

    Raises:
        CampaignFileError: it cannot be read (one problem, with line and column), or holds keys twice, tags, or numbers
            that are not finite (all of them).
    """
    try:
        node = _composed(text)
        _measure_aliases(node, {}, 0)
    except yaml.MarkedYAMLError as error:
        raise CampaignFileError([_syntax(error)]) from None
    except yaml.YAMLError as error:
        raise CampaignFileError([Problem("", f"cannot be read as YAML: {_one_line(error)}")]) from None
    problems: list[Problem] = []
    data = _build(node, "", problems) if node is not None else None
    if problems:
        raise CampaignFileError(problems)
    return data


def read_text(path: Path) -> str:
    """Return the text of a campaign file; CampaignFileError where there is none."""
    try:
        if path.is_dir():
            raise CampaignFileError([Problem(str(path), "is a folder; the path of a campaign file is needed")])
        content = path.read_bytes()
    except FileNotFoundError:
        raise CampaignFileError([Problem(str(path), "there is no such file")]) from None
    except (OSError, ValueError) as error:
        raise CampaignFileError([Problem(str(path), f"cannot be read: {error}")]) from None
    if len(content) > MAX_BYTES:
        raise CampaignFileError([Problem(str(path), f"has {len(content)} bytes; at most {MAX_BYTES} are allowed")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"is not UTF-8 text: byte 0x{content[error.start]:02x} on line {line}"
        raise CampaignFileError([Problem(str(path), message)]) from None


def write_yaml(data: Mapping[str, Any]) -> str:
    """Return a YAML text that `read_yaml` reads as `data`; yaml.YAMLError where it is not plain data."""
    text = yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    if any(character in text for character in "\x85\u2028\u2029\ufeff"):  # PyYAML writes these as if they were \n
        text = yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, width=100)
    return text


MISSING = object()  # what stands at a place of a file where nothing does


def differences(before: str, after: str) -> list[str]:
    """Return one line `place: old -> new` for each place at which two YAML texts differ in meaning."""
    found = differing(read_yaml(before), read_yaml(after))
    said = {place: ["nothing" if v is MISSING else show(v) for v in pair] for place, pair in found.items()}
    return [f"{place or 'the file'}: {old} -> {new}" for place, (old, new) in said.items()]


def differing(before: Any, after: Any) -> dict[str, tuple[Any, Any]]:
    """Return each place at which the data of two files differ, with both values; MISSING where there is none."""
    old, new = (dict(_leaves(data, "")) for data in (before, after))
    pairs = {place: (old.get(place, MISSING), new.get(place, MISSING)) for place in [*old, *new]}
    return {place: (a, b) for place, (a, b) in pairs.items() if type(a) is not type(b) or a != b}


def _leaves(data: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from _leaves(value, join(place, key))
    elif isinstance(data, list) and data:
        for index, value in enumerate(data):
            yield from _leaves(value, join(place, index))
    else:
        yield place, data


def _composed(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except (ValueError, OverflowError):  # PyYAML's, of an escape such as "\U00110000"
        raise _refused("an escape stands for no character", loader.get_mark()) from None


def _measure_aliases(node: yaml.Node | None, sizes: dict[int, tuple[int, int]], depth: int) -> tuple[int, int]:
    """Return number and depth of the nodes with all aliases expanded; each node is visited once."""
    if not isinstance(node, yaml.CollectionNode):
        return 1, 0
    if id(node) not in sizes:
        sizes[id(node)] = -1, 0  # being measured
        children = (part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,)))
        measured = [_measure_aliases(child, sizes, depth + 1) for child in children]
        sizes[id(node)] = 1 + sum(size for size, _ in measured), 1 + max((deep for _, deep in measured), default=0)
    size, deep = sizes[id(node)]
    if size < 0:
        raise _refused("an anchor holds itself", node.start_mark)
    if size > MAX_NODES:
        raise _refused(f"anchors expand to more than {MAX_NODES} values", node.start_mark)
    if depth + deep > MAX_DEPTH:
        raise _too_deep(node.start_mark)
    return size, deep


def _too_deep(mark: Any) -> yaml.MarkedYAMLError:
    return _refused(f"lists and mappings are nested more than {MAX_DEPTH} deep", mark)


def _refused(message: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=message, problem_mark=mark)


def _syntax(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    said = ", ".join(part for part in (error.context, error.problem) if part)
    return Problem(place, f"cannot be read as YAML: {said}")


def _one_line(error: object) -> str:
    return " ".join(str(error).split())


def _build(node: yaml.Node, place: str, problems: list[Problem]) -> Any:
    kind = node.tag.removeprefix(_TAG)
    if isinstance(node, yaml.MappingNode) and kind == "map":
        return _mapping(node, place, problems)
    if isinstance(node, yaml.SequenceNode) and kind == "seq":
        return [_build(child, join(place, index), problems) for index, child in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode) and kind in ("str", "null", "bool", "int", "float"):
        return _scalar(kind, node, place, problems)
    problems.append(Problem(place, f"the tag {show(node.tag)} on line {_line(node)} is not allowed; leave tags out"))
    return None


def _mapping(node: yaml.MappingNode, place: str, problems: list[Problem]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TAG + "str":
            said = (
                show(getattr(key_node, "value", "")) if isinstance(key_node, yaml.ScalarNode) else "a list or mapping"
            )
            problems.append(Problem(place, f"{said} is a key on line {_line(key_node)}; only text is allowed as a key"))
            continue
        key = key_node.value
        if not _is_text(key):
            problems.append(Problem(place, f"{show(key)}, a key on line {_line(key_node)}, holds half a character"))
            continue
        if key in data:
            message = f"stands twice, on lines {lines[key]} and {_line(key_node)}; each key is allowed once"
            problems.append(Problem(join(place, key), message))
        data[key], lines[key] = _build(value_node, join(place, key), problems), _line(key_node)
    return data


def _scalar(kind: str, node: yaml.ScalarNode, place: str, problems: list[Problem]) -> Any:
    text = node.value
    try:
        match kind:
            case "null":
                return None
            case "bool":
                return {"true": True, "false": False}[text.lower()]
            case "int":
                return _whole(text)
            case "float":
                return _finite(text)
            case "str" if not _is_text(text):
                problems.append(Problem(place, f"{show(text)} on line {_line(node)} holds half a character"))
    except (ValueError, KeyError):
        message = f"{show(text)} on line {_line(node)} is no number that can be used; finite ones are allowed"
        problems.append(Problem(place, message))
        return None
    return text


def _is_text(text: str) -> bool:
    """Whether a text is one that can be written: escapes may give halves of characters."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(text)
    value = int(text, 0 if text[:2] in ("0x", "0o") else 10)
    if abs(value) > MAX_WHOLE:
        raise ValueError(text)
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
