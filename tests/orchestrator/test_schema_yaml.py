"""The campaign file as YAML: what is read as scientists mean it, and what cannot be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_campaign import CALM, assert_clear, load, plain, written

from softal.errors import CampaignFileError
from softal.orchestrator.campaign_file.schema import load_campaign_file
from softal.orchestrator.campaign_file.yaml_text import MAX_BYTES, read_yaml, write_yaml


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("campaign"))


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "", "the file is empty"),
        ("# only a comment\n", "", "the file is empty"),
        ("- a\n- b\n", "", "['a', 'b'] is given; a mapping"),
        ("just text", "", "'just text' is given; a mapping"),
        ("name: [1, 2", "line 1, column 12", "cannot be read as YAML"),
        ("name: a\n\tseed: 1\n", "line 2, column 1", "cannot be read as YAML"),
        ("name: a\n---\nname: b\n", "line 2, column 1", "expected a single document"),
        ("name: *nobody\n", "line 1, column 7", "undefined alias"),
        ("name: a\nseed: 1\nname: b\n", "name", "stands twice, on lines 1 and 3"),
        ("space:\n  x:\n    low: 1\n    low: 2\n", "space.x.low", "stands twice, on lines 3 and 4"),
        ("budget: {hours: .inf}\n", "budget.hours", "'.inf' on line 1 is no number that can be used"),
        ("budget: {hours: .nan}\n", "budget.hours", "'.nan' on line 1"),
        ("budget: {hours: 1e999}\n", "budget.hours", "'1e999' on line 1"),
        ("seed: " + "9" * 5000, "seed", "is no number that can be used"),
        ("name: !!python/object/apply:os.system ['true']\n", "name", "the tag"),
        ("name: !secret x\n", "name", "the tag '!secret' on line 1 is not allowed"),
        ("name: !!binary aGVsbG8=\n", "name", "is not allowed; leave tags out"),
        ("? [a, b]\n: 1\n", "", "a list or mapping is a key on line 1"),
        ("3: 1\n", "", "'3' is a key on line 1; only text"),
        ("space: {true: 1}\n", "space", "'true' is a key on line 1"),
        ("a: &a [*a]\n", "line 1, column 4", "an anchor holds itself"),
        ("[" * 200 + "]" * 200, "line 1, column 31", "nested more than 30 deep"),
        ("name: \x07\n", "", "cannot be read as YAML"),
        ("a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{new}: &{new} [{','.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ), "line 5, column 4", "anchors expand to more than 100000 values"),
    ],
)  # fmt: skip
def test_bad_yaml(folder: Path, text: str, place: str, message: str) -> None:
    with pytest.raises(CampaignFileError) as raised:
        load(folder, text)
    assert place in [problem.place for problem in raised.value.problems]
    assert message in str(raised.value)


def test_yaml_is_read_as_scientists_mean_it() -> None:
    text = (
        "{a: 1e-3, b: off, c: 010, d: 10:30, e: 1.5E+3, f: 2026-01-01, g: yes, h: .5, i: 0x1f, j: ~, k: -3, l: 1_000}"
    )
    assert read_yaml(text) == {
        "a": 1e-3, "b": "off", "c": 10, "d": "10:30", "e": 1500.0, "f": "2026-01-01", "g": "yes", "h": 0.5, "i": 31,
        "j": None, "k": -3, "l": "1_000",
    }  # fmt: skip


def test_anchors_may_be_used_in_good_measure() -> None:
    assert read_yaml("a: &r {low: 1, high: 2}\nb: *r\n") == {"a": {"low": 1, "high": 2}, "b": {"low": 1, "high": 2}}


@given(st.dictionaries(st.text(max_size=5), plain, max_size=4))
@settings(CALM, max_examples=150)
def test_yaml_round_trips(data: dict[str, Any]) -> None:
    try:
        text = write_yaml(data)
        again = read_yaml(text)
    except CampaignFileError as error:  # keys that are not text, control characters
        assert_clear(error)
    else:
        assert again == data


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.yaml", None, "gone.yaml: there is no such file"),
        ("latin.yaml", "name: Zürich".encode("latin-1"), "is not UTF-8 text: byte 0xfc on line 1"),
        ("big.yaml", b"#" * (MAX_BYTES + 1), f"at most {MAX_BYTES} are allowed"),
        ("null\0.yaml", None, "cannot be read"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CampaignFileError, match=re.escape(message)):
        load_campaign_file(tmp_path / name)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CampaignFileError, match="is a folder; the path of a campaign file is needed"):
        load_campaign_file(tmp_path)
