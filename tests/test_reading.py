"""What cannot be read is refused in one line that says what to do, before it takes time or memory."""

import io
import json
import os
import re
import sqlite3
import struct
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fuzzed import make_journals

from softal import typer_cli
from softal.errors import CampaignFileError, JournalError, SoftalError, SpaceError, SurrogateError
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.campaign_file.schema import parse_campaign
from softal.orchestrator.campaign_file.yaml_text import MAX_WRITTEN, read_yaml
from softal.orchestrator.points import read_points
from softal.reading import read_bytes, read_json, read_npy, read_npz
from softal.references import load_reference
from softal.space import InvalidSpace, Space
from softal.surrogates.gaussian_processes.gp import restored, stored, train
from softal.tracking.journal import Journal

R = np.linspace(0.0, 3.0, 20)
SECONDS = 8.0  # the goal is 5 s on a machine with nothing else to do


@pytest.fixture
def quick():
    begun = time.process_time()
    yield
    assert time.process_time() - begun < SECONDS


def spoken(capsys, monkeypatch, *words) -> tuple[int, list[str]]:
    """Return exit code and lines of a command's complaint."""
    monkeypatch.setattr(sys, "argv", ["softal", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        typer_cli.main()
    return ended.value.code, capsys.readouterr().err.splitlines()


# Campaign files.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('a: "\\U00110000"', "line 1, column 7: cannot be read as YAML: an escape stands for no character"),
        ('a: "\\ud800"', "holds half a character"),
        ('"\\ud800": 1', "holds half a character"),
        (f"a: 0o{'7' * 5000}", "is no number that can be used"),
        (f"a: {'9' * 5000}", "is no number that can be used"),
        (
            f"objective: {{match: {{g: {{reference: g.csv, range: [0, 1{'0' * 400}]}}}}}}",
            "is no number that can be used",
        ),
        ("\n".join(["a0: &a0 [1]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 900))]), "more than 30 deep"),
        (f"a: [{'1, ' * MAX_WRITTEN}]", "more than 20000 values; data belongs into other files"),
    ],
    ids=[
        "no character",
        "half a character",
        "half a key",
        "octal digits",
        "digits",
        "no float",
        "nested aliases",
        "many values",
    ],
)
@pytest.mark.usefixtures("quick")
def test_yaml_that_is_hard_to_read_is_refused(text, said):
    with pytest.raises(CampaignFileError, match=said):
        read_yaml(text)


def test_aliases_that_are_not_nested_are_read():
    assert read_yaml("a: &a [1, 2]\nb: [*a, *a]\n") == {"a": [1, 2], "b": [[1, 2], [1, 2]]}


@pytest.mark.parametrize("raised", ["GeneratorExit('no')", "SystemExit(3)", "type('Odd', (BaseException,), {})('no')"])
def test_a_module_that_ends_python_is_a_problem_of_the_file(tmp_path, raised, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = f"ends_{abs(hash(raised))}"
    (tmp_path / f"{name}.py").write_text(f"raise {raised}\n")
    data = {"space": {"x": {"low": 0, "high": 1}}, "objective": {"minimize": "f"}, "budget": {"trials": 3}}
    with pytest.raises(CampaignFileError, match=rf"simulator: '{name}:x'.*imported"):
        parse_campaign({"simulator": f"{name}:x", **data}, tmp_path)


@pytest.mark.parametrize(
    ("command", "parameter", "said"),
    [
        ("run {x:.3f}", {"choices": ["a", "b"]}, "numbers, for {x:.3f} in the command"),
        ("run {x:d}", {"low": 0, "high": 1}, "whole numbers, for {x:d} in the command"),
        ("run {x:>999999999}", {"low": 0, "high": 1}, "{x:>999999999} is too wide; at most 1000 characters"),
    ],
)
def test_a_format_that_does_not_write_its_parameter_is_refused(command, parameter, said):
    data = {"space": {"x": parameter}, "objective": {"minimize": "f"}, "budget": {"trials": 3}}
    with pytest.raises(CampaignFileError, match=re.escape(said)):
        parse_campaign({"simulator": {"command": command}, **data})


def test_formats_that_write_their_parameters_are_right():
    space = {"x": {"low": 1, "high": 9, "integer": True}, "y": {"low": 0, "high": 1}}
    data = {"space": space, "objective": {"minimize": "f"}, "budget": {"trials": 3}}
    campaign = parse_campaign({"simulator": {"command": "sh {x:05d} {y:.3f} {x:.1f}"}, **data})
    assert campaign.built.check() == []


# Spaces.


@pytest.mark.usefixtures("quick")
def test_whole_numbers_that_shall_hit_one_sum_are_refused_in_time():
    weights = np.random.default_rng(1).integers(10**5, 10**6, 30)
    total = " + ".join(f"{weight}*k{i}" for i, weight in enumerate(weights))
    space = {f"k{i}": {"low": 0, "high": 3, "integer": True} for i in range(30)}
    half = 3 * weights.sum() // 2
    with pytest.raises(InvalidSpace, match=r"no point of the space was found .* `\{derived: ...\}`"):
        Space(space, [f"{half} <= {total}", f"{total} <= {half}"])


def test_a_knapsack_with_room_is_found():
    space = Space({f"k{i}": {"low": 0, "high": 3, "integer": True} for i in range(30)}, ["k0 + 2*k1 + 3*k2 <= 4"])
    assert space.feasible(space.sample(20, np.random.default_rng(0))).all()


@pytest.mark.usefixtures("quick")
def test_many_choices_are_read_in_time():
    assert Space({"x": {"choices": list(range(10_000))}}).cells[0] == 10_000
    with pytest.raises(InvalidSpace, match="90000 choices are given; at most 10000 are allowed"):
        Space({"x": {"choices": list(range(90_000))}})


@pytest.mark.parametrize("choices", [[1, 1.0], [True, 1], ["a", "b", "a"]])
def test_a_choice_stands_there_once(choices):
    with pytest.raises(InvalidSpace, match="stands twice"):
        Space({"x": {"choices": choices}})


@pytest.mark.usefixtures("quick")
def test_a_long_chain_of_derived_parameters_is_read_in_time():
    chain = {f"d{i}": {"derived": f"d{i - 1} + 1"} for i in range(1, 5000)}
    space = Space({"x": {"low": 0, "high": 1}, "d0": {"derived": "x"}, **chain})
    assert space.complete({"x": 0.5})["d4999"] == 4999.5


# References.


def npy(shape: object, dtype: object, content: bytes = bytes(320)) -> bytes:
    header = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (npy((10**12, 2), "<f8"), r"takes 1.6e\+13 bytes, and it has 320"),
        (npy((-20, 2), "<f8"), "which no array has"),
        (npy((20,), [("r", "<f8"), ("g", "<f8")]), "numbers are allowed"),
        (npy((20, 2), "|O"), "numbers are allowed"),
        (npy((20, 2), "<U2"), "numbers are allowed"),
        (npy((20, 2), "<c8"), "numbers are allowed"),
        (npy((20, 2), "<f8")[:-8], "takes 320 bytes, and it has 312"),
        (npy("x", "<f8"), "its header is damaged"),
        (b"\x93NUMPY\x01\x00\x05\x00{'a':", "its header is damaged"),
        (b"", "its header is damaged"),
    ],
)
def test_an_array_that_is_not_what_its_header_says_is_refused(tmp_path, content, said):
    (tmp_path / "g.npy").write_bytes(content)
    with pytest.raises(SoftalError, match=rf"g.npy cannot be read as a table: .*{said}"):
        load_reference("g", tmp_path / "g.npy")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<i2"])
def test_arrays_are_read_as_they_were_written(order, dtype):
    array = np.arange(12.0).reshape(4, 3).astype(dtype, order=order)
    stream = io.BytesIO()
    np.save(stream, array)
    read = read_npy(stream.getvalue())
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


def test_an_archive_gives_its_arrays_of_numbers(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", r=R, text=np.array(["x"]), n=np.arange(3))
    read = read_npz(tmp_path / "a.npz")
    assert list(read) == ["r", "n"]
    np.testing.assert_array_equal(read["r"], R)


def test_an_archive_with_a_broken_deflate_is_damaged(tmp_path):
    np.savez_compressed(tmp_path / "g.npz", r=R, g=1 + R)
    content = bytearray((tmp_path / "g.npz").read_bytes())
    content[60:90] = bytes(30)
    (tmp_path / "g.npz").write_bytes(content)
    with pytest.raises(SoftalError, match=r"g.npz cannot be read as a table: .*damaged"):
        load_reference("g", tmp_path / "g.npz")


def test_an_archive_that_swells_is_refused_before_it_does(tmp_path):
    with zipfile.ZipFile(tmp_path / "g.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("g.npy", npy((40_000_000,), "<f8", bytes(320_000_000)))
    with pytest.raises(SoftalError, match=r"its arrays have 3200.* bytes; at most 200000000 are allowed"):
        load_reference("g", tmp_path / "g.npz")


@pytest.mark.usefixtures("quick")
def test_a_header_of_underscores_is_read_in_time(tmp_path):
    np.savez(tmp_path / "g.npz", **{"_" * 20_000: R, "g": 1 + R})
    np.testing.assert_array_equal(load_reference("g", tmp_path / "g.npz").values, 1 + R)
    rows = "".join(f"{r},{r + 1}\n" for r in R)
    (tmp_path / "g.csv").write_text(f"{'_' * 20_000},g\n{rows}")
    with pytest.raises(SoftalError, match="its header has 20002 characters; at most 10000 are allowed"):
        load_reference("g", tmp_path / "g.csv")
    (tmp_path / "g.dat").write_text(f"# units: {'_' * 20_000}, 1\n{rows}")
    assert load_reference("g", tmp_path / "g.dat").values[-1] == 4.0


def test_numbers_of_which_no_distance_can_be_calculated_are_refused(tmp_path):
    (tmp_path / "g.csv").write_text("".join(f"{r},1e200\n" for r in R))
    with pytest.raises(SoftalError, match=r"numbers above 1e\+150"):
        load_reference("g", tmp_path / "g.csv")


def test_only_files_are_read_and_none_that_is_too_long(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_bytes(bytes(11))
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ValueError, match="no regular file"):
            read_bytes(path)
    with pytest.raises(ValueError, match="11 bytes; at most 10 are allowed"):
        read_bytes(tmp_path / "long", 10)
    with pytest.raises(OSError, match="directory"):
        read_bytes(tmp_path)


# Tables of points.


def test_a_cell_that_is_too_long_is_refused_with_its_line(tmp_path):
    (tmp_path / "points.csv").write_text(f"x\n0.5\n{'1' * 140_000}\n")
    with pytest.raises(SpaceError, match="line 3: field larger than field limit"):
        read_points(Space({"x": {"low": 0, "high": 1}}), [], tmp_path / "points.csv")


def test_json_that_is_nested_deep_is_refused(tmp_path):
    (tmp_path / "points.json").write_text("[" * 200_000)
    with pytest.raises(SpaceError, match="is not JSON: it is nested too deep"):
        read_points(Space({"x": {"low": 0, "high": 1}}), [], tmp_path / "points.json")
    with pytest.raises(ValueError, match="nested too deep"):
        read_json('{"a":' * 200_000)


# Saved models.


@pytest.fixture
def model(tmp_path):
    from softal.surrogates import build

    surrogate = build("gp", Space({"x": {"low": 0, "high": 1}}), ["f"])
    x = np.linspace(0, 1, 6)[:, None]
    surrogate.fit_arrays(x, np.sin(3 * x))
    surrogate.save(tmp_path / "model")
    return tmp_path / "model"


def changed(folder: Path, *, forget: bool, **tensors) -> Path:
    """Replace tensors of a model; with `forget` as if they had been saved so."""
    from safetensors.numpy import load_file, save_file

    save_file(load_file(folder / "model.safetensors") | tensors, folder / "model.safetensors")
    if forget:
        description = json.loads((folder / "model.json").read_text())
        del description["checksum"]
        (folder / "model.json").write_text(json.dumps(description))
    return folder


@pytest.mark.parametrize(
    "tensors",
    [
        {"0.X": np.zeros((6, 2))},
        {"0.X": np.zeros(6)},
        {"0.y": np.zeros((6, 6))},
        {"0.y": np.zeros(5)},
        {"0.y": np.full(6, np.nan)},
        {"0.variance": np.zeros((3, 2))},
    ],
)
def test_tensors_of_another_shape_are_refused_when_they_are_loaded(model, tensors):
    from softal.surrogates import load

    with pytest.raises(SurrogateError, match="model cannot be loaded"):
        load(changed(model, forget=True, **tensors))


def test_a_model_whose_files_do_not_belong_together_is_refused(model):
    from softal.surrogates import load

    assert load(model).fitted
    with pytest.raises(SurrogateError, match="is damaged, or not what was saved with the other"):
        load(changed(model, forget=False, **{"0.y": np.arange(6.0)}))


def test_a_description_that_was_changed_is_refused(model):
    from softal.surrogates import load

    text = (model / "model.json").read_text()
    description = json.loads(text)
    description["state"]["models"][0]["scaling"]["scale"] *= 2.0
    (model / "model.json").write_text(json.dumps(description))
    with pytest.raises(SurrogateError, match="is damaged"):
        load(model)


# Journals, and the system's own errors.


@pytest.fixture
def run(tmp_path):
    make_journals(tmp_path)
    return tmp_path / "run"


CELLS = [
    ("state", "odd"), ("seed", "x"), ("finished", "x"), ("point", "[1]"), ("point", '{"y": 1}'), ("vals", '{"f": "a"}'),
    ("objective", "[" * 100_000), ("objective", b"\xff"), ("notes", "9" * 5000), ("arrays", '{"g": 3}'),
    ("arrays", '{"g": {"unit": 3}}'), ("attempts", 1.5), ("told", "x"),
]  # fmt: skip


@pytest.mark.parametrize(("column", "cell"), CELLS, ids=lambda value: str(value)[:12])
def test_a_cell_of_another_type_is_damage(run, column, cell):
    with sqlite3.connect(run / "journal.sqlite") as database:
        database.execute(f"UPDATE trials SET {column} = ? WHERE id = 1", (cell,))
    database.close()
    with Journal.open(run) as journal, pytest.raises(JournalError, match=r"journal.sqlite is damaged: .*put a copy"):
        journal.trials()


def test_a_journal_that_is_whole_is_read(run):
    with Journal.open(run) as journal:
        assert len(journal.trials(arrays=True)) == 12
        assert journal.trial(0).observation.arrays["g"].grid_unit == "nm"
        assert journal.trial(1).observation.arrays["g"].values[2] == 1.0


def test_arrays_of_another_shape_are_damage(run):
    np.savez(run / "arrays" / "000" / "000000.npz", **{"g/values": np.ones(3), "g/errors": np.ones(2)})
    with Journal.open(run) as journal, pytest.raises(JournalError, match=r"000000.npz is damaged: errors has shape"):
        journal.trial(0)


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\x00" + bytes(8000), b""])
@pytest.mark.parametrize("command", ["status", "trials", "best", "report", "resume"])
def test_a_journal_that_is_none_is_said_in_one_line(run, content, command, capsys, monkeypatch):
    (run / "journal.sqlite").write_bytes(content)
    monkeypatch.setattr(sys, "path", list(sys.path))
    code, lines = spoken(capsys, monkeypatch, command, run)
    assert (code, len(lines)) == (1, 1)
    assert "journal.sqlite is damaged" in lines[0]


def test_a_locked_journal_is_said_in_one_line(run, capsys, monkeypatch):
    other = sqlite3.connect(run / "journal.sqlite", isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("UPDATE info SET value = value")
    code, lines = spoken(capsys, monkeypatch, "status", run)
    other.close()
    assert (code, len(lines)) == (1, 1)
    assert "locked; another program uses it: end that, and try again" in lines[0]


def small(folder: Path) -> Path:
    (folder / "small.py").write_text("def simulate(x):\n    return {'f': x}\n")
    text = "simulator: small:simulate\nspace: {x: {low: 0, high: 1}}\nobjective: {minimize: f}\nbudget: {trials: 1}\n"
    (folder / "small.yaml").write_text(text)
    return folder / "small.yaml"


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ("file", "a part of this one is a file"),
        ("n" * 300, "give a shorter name"),
        ("/proc/softal", "whether the path"),
    ],
)
def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path, runs, said, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    code, lines = spoken(capsys, monkeypatch, "launch", small(tmp_path), "--runs", tmp_path / runs)
    assert (code, len(lines)) == (1, 1)
    assert said in lines[0]


def test_a_link_to_nothing_is_said_in_one_line(tmp_path, capsys, monkeypatch):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "small").symlink_to(tmp_path / "nowhere")
    code, lines = spoken(capsys, monkeypatch, "launch", small(tmp_path), "--runs", tmp_path / "runs")
    assert (code, len(lines)) == (1, 1)
    assert "a file of this name is in the way" in lines[0]


def test_init_on_a_link_to_nothing_says_so(tmp_path, capsys, monkeypatch):
    (tmp_path / "here").symlink_to(tmp_path / "nowhere")
    code, lines = spoken(capsys, monkeypatch, "init", tmp_path / "here" / "deeper")
    assert (code, len(lines)) in ((1, 1), (2, 1))


def test_a_name_on_the_command_line_obeys_the_limit_of_names(tmp_path):
    small(tmp_path)
    assert Campaign.from_yaml(tmp_path / "small.yaml", name="n" * 100).spec.name == "n" * 100
    with pytest.raises(CampaignFileError, match=r"name: .* at most 100"):
        Campaign.from_yaml(tmp_path / "small.yaml", name="n" * 101)


def test_a_process_whose_tensors_have_other_shapes_is_not_restored():
    X = np.random.default_rng(0).random((6, 2))
    arrays, learned = stored(*train(X, X.sum(axis=1), np.full(6, 0.1), ()))
    restored(arrays, learned, ())
    with pytest.raises(ValueError, match=r"variances of shape \(1, 1\)"):
        restored({**arrays, "variance": np.full((1, 1), 0.1)}, learned, ())
