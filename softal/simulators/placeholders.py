"""What a `command:` is filled with: `{epsilon}` in arguments, `{{ epsilon }}` in templates of input files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# `${HOME}` is the shell's, `{{ x }}` a template's, and braces around anything but a name stand for themselves.
PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}|(?<!\$)\{([A-Za-z_]\w*)(?::([^{}]*))?\}")

DELIMITERS = ("{{", "}}")
OTHERS = '`delimiters: ["<<", ">>"]` takes others for placeholders'
WIDEST = 1000  # characters and digits that a format may ask for


def names_in(text: str) -> set[str]:
    """Return the names of the placeholders in `text`."""
    return {match[1] for match in PLACEHOLDER.finditer(text) if match[1]}


def fill(text: str, values: Mapping[str, Any]) -> str:
    """Return `text` with each `{name}` or `{name:format}` replaced; numbers keep all their digits.

    Args:
        text: with placeholders, all of which `values` has.
        values: by name.

    Raises:
        ValueError: for a value that has no such format.
    """
    return PLACEHOLDER.sub(lambda found: formatted(found, values) if found[1] else found[0], text)


def formatted(found: re.Match[str], values: Mapping[str, Any]) -> str:
    """Return what a placeholder is replaced by; ValueError where its format is none of the value's."""
    value = values[found[1]]
    try:
        return format(value, found[2] or "")
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{found[0]} takes {_taken(found[2], error)}, and {value!r} is given") from None


def misfit(text: str, name: str, value: object) -> str | None:
    """Say what a placeholder `{name:format}` in the text takes, where it does not take a value; else None."""
    for found in PLACEHOLDER.finditer(text):
        try:
            if found[1] == name:
                format(value, found[2] or "")
        except (ValueError, TypeError, OverflowError) as error:
            return f"{_taken(found[2], error)}, for {found[0]} in the command"
    return None


def _taken(wanted: str, error: Exception) -> str:
    """Return in words what a format takes."""
    if wanted[-1] in "bcdoxX":
        return "whole numbers"
    return "numbers" if wanted[-1] in "eEfFgGn%" else f"what Python can format so ({error})"


def too_wide(text: str) -> str | None:
    """Return a placeholder whose format asks for more characters or digits than anybody reads; None where none does."""
    for found in PLACEHOLDER.finditer(text):
        if any(len(size) > 4 or int(size) > WIDEST for size in re.findall(r"\d+", found[2] or "")):
            return found[0] if len(found[0]) <= 60 else f"{found[0][:60]}..."
    return None


def environment(delimiters: tuple[str, str] = DELIMITERS) -> Any:
    """Return a Jinja environment in which only `{{ }}` counts: input decks have `{%`, `{#`, `${...}` of their own.

    `delimiters` are others, for scripts of Python, C or JSON, which have `{{` and `}}` of their own.

    A template is filled, and runs nothing: nothing of Python can be reached from its values.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    never = "\0"
    made = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
        variable_start_string=delimiters[0],
        variable_end_string=delimiters[1],
        block_start_string=f"{never}%",
        block_end_string=f"%{never}",
        comment_start_string=f"{never}#",
        comment_end_string=f"#{never}",
    )
    made.globals.clear()  # `cycler`, `lipsum` ... are no parameters
    return made


def template_names(text: str, delimiters: tuple[str, str] = DELIMITERS) -> set[str]:
    """Return the names that the template `text` uses; ValueError with the line if it is no template."""
    import jinja2
    from jinja2 import meta

    try:
        return set(meta.find_undeclared_variables(environment(delimiters).parse(text)))
    except jinja2.TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.message}") from error


def render(text: str, values: Mapping[str, Any], delimiters: tuple[str, str] = DELIMITERS) -> str:
    """Return the template `text` filled with `values`; ValueError for names that are not there, and what cannot be."""
    try:
        return str(environment(delimiters).from_string(text).render(values))
    except Exception as error:  # of Jinja, or of Python where a text is added to a number
        raise ValueError(str(error)) from error
