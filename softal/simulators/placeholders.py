"""What a `command:` is filled with: `{epsilon}` in arguments, `{{ epsilon }}` in templates of input files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

# `${HOME}` is the shell's, `{{ x }}` a template's, and braces around anything but a name stand for themselves.
PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}|(?<!\$)\{([A-Za-z_]\w*)(?::([^{}]*))?\}")


def names_in(text: str) -> set[str]:
    """Return the names of the placeholders in `text`."""
    return {match[1] for match in PLACEHOLDER.finditer(text) if match[1]}


def fill(text: str, values: Mapping[str, Any], *, quote: bool = False) -> str:
    """Return `text` with each `{name}` or `{name:format}` replaced; numbers keep all their digits.

    Args:
        text: with placeholders, all of which `values` has.
        values: by name.
        quote: whether to quote what is put in for the shell.
    """

    def replacement(match: re.Match[str]) -> str:
        if not match[1]:
            return match[0]
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
