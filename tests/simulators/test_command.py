"""The kind `command`: real programs, good ones and broken ones."""

from __future__ import annotations

import json
import locale
import os
import re
import signal
import stat
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from patience import PATIENCE
from pydantic import ValidationError

from softal.errors import InvalidObservation, SimulationError, WalltimeExceeded
from softal.simulators import build
from softal.simulators.base import Context
from softal.simulators.command import Command, CommandSettings
from softal.simulators.files import FromFile, read_into
from softal.simulators.process import last_line, quoted_tail
from softal.trial import Array, Observation

POINT = {"epsilon": 1.25, "n": 12, "solvent": "wa ter; $HOME"}


def command(folder: Path, **settings: Any) -> Command:
    return Command(CommandSettings.model_validate(settings, context={"folder": folder}))


def script(folder: Path, text: str, name: str = "run.py", interpreter: str = sys.executable) -> str:
    path = folder / name
    path.write_text(f"#!{interpreter}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return f"./{name}"


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    folder = tmp_path / "work dir"
    folder.mkdir()
    return folder


def run(simulator: Command, workdir: Path, walltime: float | None = 30.0, **point: Any) -> Observation:
    return simulator.run({**POINT, **point}, Context(workdir, seed=7, fidelity=0.5, trial=3, walltime=walltime))


ECHO = """
import json, os, sys
print("some progress")
print(json.dumps({"count": len(sys.argv)}))
json.dump({"arguments": sys.argv[1:], "cwd": os.getcwd()}, open("seen.json", "w"))
"""


def seen(workdir: Path) -> Any:
    return json.loads((workdir / "seen.json").read_text())


def test_placeholders_in_a_text(tmp_path: Path, workdir: Path) -> None:
    text = "--eps {epsilon} --short {epsilon:.1f} {n} {seed} {fidelity} {trial} {cpus} {workdir} {solvent} ${HOME} '{}'"
    observation = run(command(tmp_path, command=f"{script(tmp_path, ECHO)} {text}"), workdir)
    expected = ["--eps", "1.25", "--short", "1.2", "12", "7", "0.5", "3", "1.0", str(workdir)]
    assert seen(workdir)["arguments"] == [*expected, "wa ter; $HOME", "${HOME}", "{}"]
    assert seen(workdir)["cwd"] == str(workdir)
    assert observation.values == {"count": 14.0}


def test_a_list_of_arguments_is_not_split(tmp_path: Path, workdir: Path) -> None:
    run(command(tmp_path, command=[script(tmp_path, ECHO), "a b", "{solvent}", 3, 2.5]), workdir)
    assert seen(workdir)["arguments"] == ["a b", "wa ter; $HOME", "3", "2.5"]


def test_through_the_shell_only_when_asked(tmp_path: Path, workdir: Path) -> None:
    text = f"{script(tmp_path, ECHO)} {{solvent}} $(echo hi) && echo '{{\"y\": 1}}' | cat"
    (workdir / "run.py").symlink_to(tmp_path / "run.py")
    assert run(command(tmp_path, command=text, shell=True), workdir).values == {"y": 1.0}
    assert seen(workdir)["arguments"] == ["wa ter; $HOME", "hi"]
    run(command(tmp_path, command=text), workdir)
    assert seen(workdir)["arguments"][:3] == ["wa ter; $HOME", "$(echo", "hi)"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("./echo.sh {n} | cat", {"y": 12.0}),
        ("cat < value.txt > value.txt; cat value.txt", {"y": 3.0}),  # writes to its own folder
        ("cd . && ./echo.sh {n};", {"y": 12.0}),
        ("n=value.txt; (cat value.txt) # value.txt", {"y": 3.0}),
        ("echo 'value.txt' \"value.txt\" | tr -d '\\n' | wc -c | sed 's/.*/{{\"y\": &}}/'", {"y": 19.0}),
    ],
)
def test_files_beside_the_campaign_file_are_found_through_the_shell(
    tmp_path: Path, workdir: Path, text: str, expected: dict[str, float]
) -> None:
    script(tmp_path, 'echo "{\\"y\\": $1}"\n', "echo.sh", "/bin/sh")
    (tmp_path / "value.txt").write_text('{"y": 3}\n')
    assert (
        run(command(tmp_path, command=text.replace("{{", "{").replace("}}", "}"), shell=True), workdir).values
        == expected
    )
    assert (tmp_path / "value.txt").read_text() == '{"y": 3}\n'


@pytest.mark.parametrize("shell", [False, True])
def test_modules_of_a_cluster_need_a_login_shell(tmp_path: Path, shell: bool) -> None:
    [said] = command(tmp_path, command="module load gromacs && gmx {n}", shell=shell).remarks()
    assert "`shell: bash -l`" in said
    assert command(tmp_path, command="module load gromacs && gmx {n}", shell="bash -l").remarks() == []


def test_the_point_as_a_file(tmp_path: Path, workdir: Path) -> None:
    code = "import json, sys\np = json.load(open(sys.argv[1]))\nprint(json.dumps({'y': p['epsilon'] * p['n']}))"
    simulator = command(tmp_path, command=f"{script(tmp_path, code)} {{point_file}}")
    assert run(simulator, workdir).values == {"y": 15.0}
    assert json.loads((workdir / "point.json").read_text()) == POINT


DECK = """variable x equal ${y}   # {n} and {% stay as they are
pair_coeff 1 1 {{ epsilon }} {{ "%.2f" % n }} {{seed}}
awk '{print $1}' {# ${#array}
"""


@pytest.mark.parametrize("templates", [["decks/deck.in"], {"decks/deck.in": "input/final.in"}])
def test_templates(templates: Any, tmp_path: Path, workdir: Path) -> None:
    (tmp_path / "decks").mkdir()
    (tmp_path / "decks/deck.in").write_text(DECK)
    name = "deck.in" if isinstance(templates, list) else "input/final.in"
    simulator = command(tmp_path, command=f"/bin/sh -c 'cat {name}; echo; echo {{}}; echo 1 >&2'", templates=templates)
    assert run(simulator, workdir).values == {}
    rendered = (workdir / name).read_text()
    assert rendered == DECK.replace("{{ epsilon }}", "1.25").replace('{{ "%.2f" % n }}', "12.00").replace(
        "{{seed}}", "7"
    )
    assert dict(simulator.parameters or {}) == dict.fromkeys(["epsilon", "n"], "a placeholder in decks/deck.in")


def test_templates_with_braces_of_their_own_have_other_delimiters(tmp_path: Path, workdir: Path) -> None:
    """f-strings with doubled braces are plain Python."""
    text = "epsilon = {{ epsilon }}\ntable = {{1: 'a'}}\nprint(f'{{\"y\": {epsilon}}}')\n"
    (tmp_path / "run_md.py").write_text(text)
    settings = {"command": [sys.executable, "run_md.py"], "templates": ["run_md.py"]}
    with pytest.raises(ValidationError, match=r'line 2: .*of its own, `delimiters: \["<<", ">>"\]` takes others'):
        command(tmp_path, **settings)
    (tmp_path / "run_md.py").write_text(
        text.replace("{{ epsilon }}", "<< epsilon >>").replace("table = {{1: 'a'}}\n", "")
    )
    simulator = command(tmp_path, **settings, delimiters=["<<", ">>"])
    assert dict(simulator.parameters or {}) == {"epsilon": "a placeholder in run_md.py"}
    assert run(simulator, workdir).values == {"y": 1.25}
    with pytest.raises(ValidationError, match="two different marks"):
        command(tmp_path, **settings, delimiters=["%%", "%%"])


def test_a_template_may_be_the_program(tmp_path: Path, workdir: Path) -> None:
    script(tmp_path, "echo '{\"y\": {{ epsilon }}}'\n", "job.sh", "/bin/sh")
    simulator = command(tmp_path, command="./job.sh", templates=["job.sh"])
    assert simulator.check() == []
    assert run(simulator, workdir).values == {"y": 1.25}


RESULTS = """
import json
import numpy as np
np.save("g.npy", np.array([[0.1, 1.0, 0.5], [0.2, 2.0, 0.25]]))
open("s.csv", "w").write("k,S # comment\\n# more\\n0.5, 1.5\\n0.75, 2.5\\n")
open("a.log", "w").write("log")
open("b.log", "w").write("log")
json.dump({"u": {"value": -1.5, "error": 0.25}, "p": {"series": [1.0] * 20}, "t": 3}, open("out.json", "w"))
"""


def test_results_arrays_and_artifacts(tmp_path: Path, workdir: Path) -> None:
    simulator = command(
        tmp_path,
        command=script(tmp_path, RESULTS),
        results="out.json",
        arrays={"g_r": "g.npy", "S": "s.csv"},
        artifacts=["*.log", "none.*"],
        values=["u", "p"],
    )
    observation = run(simulator, workdir)
    assert observation.values == {"u": -1.5, "p": 1.0, "t": 3.0}
    assert observation.errors == {"u": 0.25, "p": 0.0}
    g, S = observation.arrays["g_r"], observation.arrays["S"]
    assert g.grid is not None
    assert g.errors is not None
    assert [list(g.grid), list(g.values), list(g.errors)] == [[0.1, 0.2], [1.0, 2.0], [0.5, 0.25]]
    assert list(S.values) == [1.5, 2.5]
    assert S.errors is None
    assert set(observation.artifacts) == {"stdout.txt", "stderr.txt", "a.log", "b.log"}
    assert all(path.is_file() for path in observation.artifacts.values())
    assert simulator.outputs is not None
    assert (simulator.outputs.values, simulator.outputs.arrays) == ({"u", "p"}, {"g_r", "S"})


def test_environment(tmp_path: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    code = 'import os, json\nprint(json.dumps({k: float(os.environ[k]) for k in ("EPS", "FIX", "OMP_NUM_THREADS")}))'
    simulator = command(tmp_path, command=script(tmp_path, code), environment={"EPS": "{epsilon}", "FIX": 3})
    assert run(simulator, workdir).values == {"EPS": 1.25, "FIX": 3.0, "OMP_NUM_THREADS": 1.0}
    assert dict(simulator.parameters or {}) == {"epsilon": "a placeholder of the command"}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "import sys; sys.stderr.write('no such force field\\nat all\\n'); sys.exit(3)",
            r"exit code 3.*force field \| at all",
        ),
        ("raise RuntimeError('overlap')", "exit code 1.*RuntimeError: overlap"),
        ("import os; os.abort()", "ended by SIGABRT"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL; the machine may be out of memory"),
        ("print('done')", "not JSON.*'done'"),
        ("", "not JSON.*''"),
        ("print('[1, 2]')", "names and values"),
        ("print('{\"y\": NaN}')", "value 'y' is nan"),
        ("print('{\"y\": Infinity}')", "value 'y' is inf"),
        ('print(\'{"y": "a"}\')', "'y' is 'a'"),
        ("print('{\"x\": 1}')", "value 'y' is declared but was not returned"),
        ("import sys; print('{\"x\": 1}'); sys.stderr.write('lost atoms')", "stderr.txt ends: lost atoms"),
    ],
)
def test_a_broken_program_is_a_failed_trial(code: str, message: str, tmp_path: Path, workdir: Path) -> None:
    simulator = command(tmp_path, command=script(tmp_path, code), values=["y"])
    with pytest.raises(SimulationError, match=message):
        run(simulator, workdir)
    assert (workdir / "stdout.txt").exists()
    assert (workdir / "stderr.txt").exists()
    assert (workdir / "exit_code.txt").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"results": "out.json"}, "did not write out.json"),
        ({"arrays": {"g": "g.npy"}}, "did not write g.npy"),
    ],
)
def test_missing_files(settings: dict[str, Any], message: str, tmp_path: Path, workdir: Path) -> None:
    simulator = command(tmp_path, command=script(tmp_path, "print('{\"y\": 1}')"), **settings)
    with pytest.raises(SimulationError, match=message):
        run(simulator, workdir)


def test_an_executable_that_is_not_there(tmp_path: Path, workdir: Path) -> None:
    missing = command(tmp_path, command="./not_there {epsilon}")
    assert missing.check() == ["command: './not_there' is not found"]
    with pytest.raises(SimulationError, match="cannot be started: no such file"):
        run(missing, workdir)
    (tmp_path / "plain.sh").write_text("")
    assert "is not executable (chmod +x)" in command(tmp_path, command="./plain.sh").check()[0]
    assert command(tmp_path, command="sh -c ls").check() == []
    assert command(tmp_path, command="{workdir}/made_later").check() == []


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
    return "\nState:\tZ" not in status


def wait_until(condition: Any, seconds: float = PATIENCE) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())


FAMILY = """
echo started >&2
sleep 100 & echo $! > child
(sleep 100 & echo $! > grandchild; wait) &
wait
"""


def pids(workdir: Path) -> list[int]:
    files = [workdir / "child", workdir / "grandchild"]
    assert wait_until(lambda: all(file.exists() and file.read_text().strip() for file in files))
    return [int(file.read_text()) for file in files]


def test_walltime_kills_the_whole_process_group(tmp_path: Path, workdir: Path) -> None:
    simulator = command(tmp_path, command=script(tmp_path, FAMILY, "run.sh", "/bin/sh"))
    start = time.monotonic()
    with pytest.raises(WalltimeExceeded, match=r"walltime of 1 s and was stopped; stderr.txt ends: started"):
        run(simulator, workdir, walltime=1.0)
    assert time.monotonic() - start < 5
    for pid in pids(workdir):
        assert wait_until(lambda pid=pid: not alive(pid))


def test_what_a_program_leaves_running_is_killed(tmp_path: Path, workdir: Path) -> None:
    code = "sleep 100 & echo $! > child\ncp child grandchild\necho '{\"y\": 1}'"
    assert run(command(tmp_path, command=script(tmp_path, code, "run.sh", "/bin/sh")), workdir).values == {"y": 1}
    for pid in pids(workdir):
        assert wait_until(lambda pid=pid: not alive(pid))


@pytest.mark.parametrize("whole_group", [False, True])
def test_it_does_not_outlive_its_worker(whole_group: bool, tmp_path: Path, workdir: Path) -> None:
    """The worker is killed with SIGKILL, alone or with its process group, as Ray and the kernel do."""
    script(tmp_path, FAMILY, "run.sh", "/bin/sh")
    code = (
        "from pathlib import Path\nfrom softal.simulators import build\nfrom softal.simulators.base import Context\n"
        f"simulator = build('command', dict(command='./run.sh', folder={str(tmp_path)!r}))\n"
        f"simulator.run({{}}, Context(Path({str(workdir)!r}), 0))"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, cwd=Path(__file__).parents[2])
    try:
        family = pids(workdir)
        assert all(map(alive, family))
    finally:
        (os.killpg if whole_group else os.kill)(worker.pid, signal.SIGKILL)
        worker.wait()
    for pid in family:
        assert wait_until(lambda pid=pid: not alive(pid))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"command": ""}, "is empty"),
        ({"command": []}, "is empty"),
        ({"command": "run 'x"}, "No closing quotation"),
        ({"command": ["ls"], "shell": True}, "one text"),
        ({"command": "ls", "templates": ["not_there.in"]}, r"not_there\.in is not a file"),
        ({"command": "ls", "templates": ["bad.in"]}, r"bad\.in: line 2"),
        ({"command": "ls", "walltime": 3}, "Extra inputs"),
        ({"command": "ls {x:>9999999999}"}, "{x:>9999999999} is too wide; at most 1000"),
        ({"command": "ls", "environment": {"X": "{x:.2000f}"}}, "too wide"),
        ({"command": "ls {workdir:d}"}, "whole numbers, for {workdir:d}"),
        ({"command": "ls {fidelity:d}"}, "whole numbers, for {fidelity:d}"),
        ({}, "Field required"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.in").write_text("fine\n{{ epsilon +* }}\n")
    with pytest.raises(ValidationError, match=message):
        command(tmp_path, **settings)


@pytest.mark.parametrize(
    ("format_", "value", "taken"),
    [
        (".3f", 0.25, None), ("05d", 3, None), (">8", "water", None), ("+.2e", 3, None), ("", "water", None),
        (".3f", "water", "numbers"), ("d", 0.5, "whole numbers"), ("x", 2.0, "whole numbers"), ("%", "a", "numbers"),
        ("q", 1.0, "what Python can format so"),
    ],
)  # fmt: skip
def test_formats_of_placeholders(format_: str, value: Any, taken: str | None, tmp_path: Path) -> None:
    simulator = command(tmp_path, command=f"ls {{x:{format_}}}")
    said = simulator.allows("x", value)
    assert said is None if taken is None else (said or "").startswith(taken)
    assert simulator.allows("y", value) is None


def test_a_program_with_formatted_arguments_is_found(tmp_path: Path, workdir: Path) -> None:
    simulator = command(tmp_path, command=f"{script(tmp_path, ECHO)} {{epsilon:.3f}} {{n:05d}} {{solvent:>20}}")
    assert simulator.check() == []
    run(simulator, workdir)
    assert seen(workdir)["arguments"] == ["1.250", "00012", "       wa ter; $HOME"]
    with pytest.raises(SimulationError, match=r"\{n:05d\} takes whole numbers, and 1\.5 is given"):
        run(simulator, workdir, n=1.5)  # of a derived parameter, which is not known before


def test_quotes_around_placeholders_in_a_shell(tmp_path: Path, workdir: Path) -> None:
    text = f"{script(tmp_path, ECHO)} '{{solvent}}' \"{{solvent}}\" {{solvent}} '{{epsilon}}'"
    (workdir / "run.py").symlink_to(tmp_path / "run.py")
    run(command(tmp_path, command=text, shell=True), workdir, solvent="it's; $(id)")
    assert seen(workdir)["arguments"] == ["it's; $(id)"] * 3 + ["1.25"]


@pytest.mark.parametrize(
    "text",
    [
        "{{ epsilon.__class__.__mro__[1].__subclasses__() }}",
        "{{ solvent.__init__.__globals__ }}",
        "{{ solvent.format.__self__.__class__.__base__ }}",
        "{{ '{0.__class__.__mro__}'.format(epsilon) }}",
    ],
)
def test_templates_run_no_python(text: str, tmp_path: Path, workdir: Path) -> None:
    (tmp_path / "deck.in").write_text(text)
    with pytest.raises(SimulationError, match=r"template deck\.in: .*unsafe|template deck\.in: .*no attribute"):
        run(command(tmp_path, command="/bin/cat deck.in", templates=["deck.in"]), workdir)


def test_the_globals_of_templates_are_parameters_like_others(tmp_path: Path, workdir: Path) -> None:
    (tmp_path / "deck.in").write_text("{{ cycler.__init__.__globals__.os.popen('id').read() }}")
    simulator = command(tmp_path, command="/bin/cat deck.in", templates=["deck.in"])
    assert list(simulator.parameters or ()) == ["cycler"]
    with pytest.raises(SimulationError, match=r"unsafe|no attribute"):
        run(simulator, workdir, cycler=1.0)


def test_a_template_that_cannot_be_filled_says_which(tmp_path: Path, workdir: Path) -> None:
    (tmp_path / "deck.in").write_text("{{ epsilon + solvent }}")
    with pytest.raises(SimulationError, match=r"template deck\.in: unsupported operand"):
        run(command(tmp_path, command="/bin/cat deck.in", templates=["deck.in"]), workdir)


def test_parameters_follow_from_the_placeholders(tmp_path: Path) -> None:
    strict = command(tmp_path, command="run {epsilon} {n:.3f} {seed} {workdir} {{literal}} ${SHELL} {not-a-name}")
    assert dict(strict.parameters or {}) == dict.fromkeys(["epsilon", "n"], "a placeholder of the command")
    assert "sigma" not in (strict.parameters or ())
    open_ended = command(tmp_path, command="run {epsilon} {point_file}")
    assert list(open_ended.parameters or {}) == ["epsilon"]
    assert "sigma" in (open_ended.parameters or ())
    assert strict.outputs is None


def test_a_missing_parameter(tmp_path: Path, workdir: Path) -> None:
    with pytest.raises(SimulationError, match="needs 'sigma'"):
        run(command(tmp_path, command="echo {sigma}"), workdir)


def test_it_is_made_by_its_kind(workdir: Path) -> None:
    simulator = build("command", {"command": ["echo", '{"y": {n}}']})
    assert simulator.run({"n": 4}, Context(workdir, 0)).values == {"y": 4.0}


def read_array(path: Path) -> Array:
    observation = Observation()
    read_into(observation, {"a": FromFile.model_validate(path.name)}, path.parent)
    return observation.arrays["a"]


@pytest.mark.parametrize(
    ("text", "grid", "values", "errors"),
    [
        ("1\n2\n", None, [1, 2], None),
        ("r g\n0 1\n1 2\n", [0, 1], [1, 2], None),
        ("# c\n0,1,.1\n1,2,.2 # d\n\n", [0, 1], [1, 2], [0.1, 0.2]),
    ],
)
def test_tables(text: str, grid: Any, values: Any, errors: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    array = read_array(tmp_path / "a.csv")
    assert [None if part is None else list(part) for part in (array.grid, array.values, array.errors)] == [
        grid,
        values,
        errors,
    ]


@pytest.mark.parametrize(
    ("out", "err", "said"),
    [
        ("ERROR: Lost atoms (src/thermo.cpp:494)\nLast input line: run 10\n" + "bye\n" * 9, "Abort(1) on node 0\n",
         "; stdout.txt says: ERROR: Lost atoms (src/thermo.cpp:494); stderr.txt ends: Abort(1) on node 0"),
        ("", "Fatal error:\n\nNo such moleculetype SOL\n" + "quote\n" * 9,
         "; stderr.txt says: Fatal error: No such moleculetype SOL; stderr.txt ends: quote"),
        ("", "ValueError: no\n" + "x\n" * 9 + "TypeError: y\n", "; stderr.txt ends: x | x | x | x | TypeError: y"),
        ("error = 0.1\n0 errors found\nstandard error 2\n" + "x\n" * 9, "", "; stdout.txt ends: x | x | x | x | x"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_reasons_have_the_last_error_of_either_stream(out: str, err: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "stdout.txt").write_text(out)
    (tmp_path / "stderr.txt").write_text(err)
    quoted = quoted_tail(tmp_path)
    assert quoted == said if "quote" not in said else quoted.startswith(said)


LONG = "y" * 300_000


@pytest.mark.parametrize(
    ("text", "last"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("\n\n", "", id="blank"),
        pytest.param("a", "a", id="one"),
        pytest.param("a\nb\n\n", "b", id="blanks behind"),
        pytest.param("x\n" * 200_000 + "end\n", "end", id="many"),
        pytest.param(LONG, LONG, id="a long one"),
        pytest.param(f"z\n{LONG}\n", LONG, id="a long one behind another"),
        pytest.param("x\n" + "\n" * 300_000, "x", id="many blanks behind"),
    ],
)
def test_the_last_line_of_an_output(text: str, last: str, tmp_path: Path) -> None:
    (tmp_path / "out").write_text(text)
    assert last_line(tmp_path / "out") == last


def test_a_long_output_takes_no_memory(tmp_path: Path, workdir: Path) -> None:
    """200 MB took twice as much when all of it was read for its last line."""
    text = "head -c 200000000 /dev/zero | tr '\\\\0' x | fold -w 99; echo; echo '{\"y\": 1}'"
    tracemalloc.start()
    assert run(command(tmp_path, command=text, shell=True), workdir).values == {"y": 1.0}
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    assert (workdir / "stdout.txt").stat().st_size < 17e6  # 400 MB lay on the disk, and as many in MLflow


LONG = """
import json, os, time
for i in range(20_000):
    print(f"line {i}".ljust(99), flush=i % 5_000 == 0)
print(flush=True)
until = time.monotonic() + 20
while os.fstat(1).st_size > 100_000 and time.monotonic() < until:
    time.sleep(0.1)
print(json.dumps({"size": os.fstat(1).st_size}))
"""


def test_of_a_long_output_its_beginning_and_its_end_are_kept_while_it_is_written(tmp_path: Path, workdir: Path) -> None:
    simulator = command(tmp_path, command=script(tmp_path, LONG))
    found = simulator.run({}, Context(workdir, 7, output_limit=100_000)).values
    assert 70_000 < found["size"] < 100_000
    text = (workdir / "stdout.txt").read_text()
    assert text.startswith("line 0 ")
    assert "line 19999 " in text
    said = re.search(r"\n\[\.\.\. (\d+) bytes were left out here: workers\.output is 100000 \.\.\.\]\n", text)
    assert said is not None
    assert int(said[1]) + len(text) - len(said[0]) == 20_000 * 100 + 1 + len(text.splitlines()[-1]) + 1


def test_an_output_that_is_read_is_whole_until_then(tmp_path: Path, workdir: Path) -> None:
    text = "print('step value')\nfor i in range(20_000):\n    print(i, i)\n"
    outputs = {"middle": {"file": "stdout.txt", "column": "value", "warmup": 0.0}}
    simulator = command(tmp_path, command=script(tmp_path, text), outputs=outputs)
    assert simulator.run({}, Context(workdir, 7, output_limit=20_000)).values == {"middle": pytest.approx(9999.5)}
    assert (workdir / "stdout.txt").stat().st_size < 20_000


def test_results_are_utf_8_whatever_the_locale_says(tmp_path: Path, workdir: Path) -> None:
    """Under `en_US` and `C` Python would read and write other encodings."""
    text = "cat point.json > seen.json; printf '{\"\\317\\203\": 2.0}' > results.json"
    simulator = command(tmp_path, command=f"{text} {{point_file}}", shell=True, results="results.json")
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C")
        assert run(simulator, workdir, solvent="µ").values == {"σ": 2.0}
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    assert seen(workdir)["solvent"] == "µ"


def test_no_program_gets_the_seed_0(workdir: Path) -> None:
    """LAMMPS, and `gen_seed` of GROMACS, take it for none, or for one of their own."""
    simulator = build("command", {"command": ["echo", '{"seed": {seed}}']})
    assert simulator.run({}, Context(workdir, 0)).values == {"seed": 1.0}


@pytest.mark.parametrize("text", ["", "x,y\n", "1,2\n3\n", "1,a\n2,b\n3,c\n", "1 2 3 4\n"])
def test_what_is_no_table(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InvalidObservation, match=r"a\.csv: it (is no table of numbers|has 4 columns)"):
        read_array(tmp_path / "a.csv")


def test_npy_of_values_and_what_is_no_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 2, 2)))
    assert read_array(tmp_path / "a.npy").values.shape == (2, 2, 2)
    np.save(tmp_path / "b.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidObservation, match=r"b\.npy: it holds object; numbers are allowed"):
        read_array(tmp_path / "b.npy")
