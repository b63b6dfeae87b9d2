"""The reference of the campaign file is made from the schema, and the page in the repository is up to date."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from softal import simulators, strategies, surrogates
from softal.kinds.description import Row, rows_of
from softal.orchestrator.campaign_file.quantities import Duration, Memory
from softal.orchestrator.campaign_file.settings import CampaignFile
from softal.orchestrator.campaign_file.yaml_text import read_yaml
from softal.terminal.campaign_file_reference import EVERYONE, page, table

PAGE = Path(__file__).parents[2] / "docs" / "campaign-file.md"


class Inner(BaseModel):
    """A network.

    Attributes:
        depth: of layers: as many
            as are needed.
        width: units.
    """

    depth: int = Field(3, ge=1)
    width: int = Field(4, description="of each")


class Example(BaseModel):
    kind: Literal["example"] = "example"
    cutoff: float = Field(gt=0, description="[sigma]")
    engine: Literal["auto", "lammps"] | None = None
    after: Duration = Field(60.0, description="when [s]")
    memory: Memory | None = None
    levels: Annotated[int, Field(ge=1)] | dict[str, int] = 5
    pair: tuple[float, float] = (0.0, 1.0)
    names: list[str] = []
    inner: Inner = Inner()


def test_rows() -> None:
    assert rows_of(Example) == [
        Row("cutoff", "number > 0", "required", "[sigma]"),
        Row("engine", "`auto` or `lammps` or null", "`null`", ""),
        Row("after", "duration", "`60.0`", "when [s]"),
        Row("memory", "amount of memory or null", "`null`", ""),
        Row("levels", "whole number ≥ 1 or mapping of names to whole number", "`5`", ""),
        Row("pair", "[number, number]", "`[0.0, 1.0]`", ""),
        Row("names", "list of text", "`[]`", ""),
        Row("inner", "mapping", "as below", "A network."),
        Row("inner.depth", "whole number ≥ 1", "`3`", "of layers: as many as are needed."),
        Row("inner.width", "whole number", "`4`", "of each"),
    ]


def test_table() -> None:
    assert table([Row("a", "x | y", "`1`", "what")]).splitlines()[-1] == "| `a` | x \\| y | `1` | what |"
    assert table([]) == "It has no settings.\n"


def test_the_page_is_up_to_date() -> None:
    """If this fails: python -m softal.terminal.campaign_file_reference > docs/campaign-file.md"""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_page_begins_with_what_everyone_needs() -> None:
    text = page()
    example = text.partition("```yaml\n")[2].partition("```")[0]
    assert len(example.splitlines()) <= 10
    assert set(read_yaml(example)) == set(EVERYONE)
    first, second = (part.split("## ")[0] for part in text.split("## What ")[1:3])
    keys = [re.findall(r"^\| `(\w+)` ", part, re.MULTILINE) for part in (first, second)]
    assert keys[0] == list(EVERYONE)
    assert {*keys[0], *keys[1]} == set(CampaignFile.model_fields)


@pytest.mark.parametrize(
    "found",
    [
        *map(simulators.find, simulators.SIMULATORS),
        *map(strategies.find, strategies.STRATEGIES),
        *map(surrogates.find, surrogates.SURROGATES),
    ],
)
def test_every_setting_is_described(found: Any) -> None:
    assert [row.key for row in rows_of(found.Settings) if not row.description] == []


@pytest.mark.parametrize("kinds", [simulators.SIMULATORS, strategies.STRATEGIES, surrogates.SURROGATES])
def test_the_page_has_every_kind_and_key(kinds: dict[str, str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in [*kinds, *CampaignFile.model_fields]:
        assert f"`{name}`" in text
