"""What a `command:` is filled with: `{epsilon}` in arguments, `{{ epsilon }}` in templates of input files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

# `${HOME}` is the shell's, `{{ x }}` a template's, and braces around anything but a name stand for themselves.
PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}|(?<!\$)\{([A-Za-z_]\w*)(?::([^{}]*))?\}")

MAX_WIDTH = 1000  # characters that a format may ask for


def names_in(text: str) -> set[str]:
    """Return the names of the placeholders in `text`."""
    return {match[1] for match in PLACEHOLDER.finditer(text) if match[1]}


def formats_in(text: str) -> list[tuple[str, str]]:
    """Return name and format of the placeholders in `text`; the format is empty where none is given."""
    return [(match[1], match[2] or "") for match in PLACEHOLDER.finditer(text) if match[1]]


def unfit(value: Any, spec: str) -> str | None:
    """Return why a value cannot be written in a format; None where it can."""
    if widths := [width for width in re.findall(r"\d+", spec) if len(width) > 4 or int(width) > MAX_WIDTH]:
        return f"`{spec[:60]}` asks for {widths[0][:20]} characters; at most {MAX_WIDTH} are allowed"
    try:
        format(value, spec)
    except (ValueError, TypeError, OverflowError) as error:
        return f"`{spec[:60]}` does not write {type(value).__name__} ({error})"
    return None


def fill(text: str, values: Mapping[str, Any], *, quote: bool = False) -> str:
    """Return `text` with each `{name}` or `{name:format}` replaced; numbers keep all their digits.

    Args:
        text: with placeholders, all of which `values` has.
        values: by name.
        quote: whether to quote what is put in for the shell.

    Raises:
        ValueError: a value cannot be written in the format that is asked for.
    """

    def replacement(match: re.Match[str]) -> str:
        if not match[1]:
            return match[0]
        if wrong := unfit(values[match[1]], match[2] or ""):
            raise ValueError(f"{match[1]}: {wrong}")
        filled = format(values[match[1]], match[2] or "")
        return shlex.quote(filled) if quote else filled

    return PLACEHOLDER.sub(replacement, text)


def environment() -> Any:
    """Return a Jinja environment in which only `{{ }}` counts: input decks have `{%`, `{#`, `${...}` of their own."""
    import jinja2

    never = "\0"
    return jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
        block_start_string=f"{never}%",
        block_end_string=f"%{never}",
        comment_start_string=f"{never}#",
        comment_end_string=f"#{never}",
    )


def template_names(text: str) -> set[str]:
    """Return the names that the template `text` uses; ValueError with the line if it is no template."""
    import jinja2
    from jinja2 import meta

    try:
        return set(meta.find_undeclared_variables(environment().parse(text)))
    except jinja2.TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.message}") from error


def render(text: str, values: Mapping[str, Any]) -> str:
    """Return the template `text` filled with `values`; ValueError for names that are not there."""
    import jinja2

    try:
        return str(environment().from_string(text).render(values))
    except jinja2.TemplateError as error:
        raise ValueError(str(error)) from error
