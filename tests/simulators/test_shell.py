"""What is filled into commands of the shell stays one text, whatever it holds, in whatever quotes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from patience import PATIENCE
from pydantic import ValidationError

from softal.errors import SimulationError
from softal.simulators import build, shell
from softal.simulators.base import Context
from softal.simulators.command import Command, CommandSettings
from softal.simulators.shell import syntax_in

WORDS = [
    "a", "b c", "it's", 'say "x"', "$HOME", "`id`", "$(id)", "a;id", "a\\b", "\\", "'", '"', "", "two\nlines", "*", "~",
    "a#b", "'; id; '", '"; id; "', "x' $(id) '", "-n", "{}", "é", 0.25, -3,
]  # fmt: skip
COMMANDS = {
    "show {word}": "{}",
    "show '{word}'": "{}",
    'show "{word}"': "{}",
    "show 'a{word}b'": "a{}b",
    "show \"a{word}b\"c{word}'{word}'": "a{}bc{}{}",
    "show '{word}'\\''{word}'": "{}'{}",
    'show "\\"\'{word}"': "\"'{}",
    "true # it's a \" comment\nshow a#{word}": "a#{}",
    'true `echo "it\'s"`; show ${UNSET:-}{word} $(true)': "{}",
    'x="{word}"; (show "$x")': "{}",
    "case '{word}' in *) show \"${UNSET:-2}{word}\";; esac": "2{}",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_text_stays_one_text(command: str, tmp_path: Path) -> None:
    """A function that counts its arguments is called in the shell itself, once for each word."""
    script = 'show() { printf \'%s\\0\' "$#" "$1"; }\n'
    script += "\n".join(shell.fill(command, {"word": word}) for word in WORDS)
    ran = subprocess.run(["/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, timeout=PATIENCE, check=True)
    assert ran.stderr == b""
    found = ran.stdout.decode().split("\0")[:-1]
    assert found[1::2] == [COMMANDS[command].replace("{}", str(word)) for word in WORDS]
    assert set(found[::2]) == {"1"}


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ('echo "$(echo {word})"', "in or after `$(` in double quotes"),
        ('echo "$(true \'"\' "\'")" {word}', "in or after `$(` in double quotes"),
        ('echo "$((1 + {word}))"', "in or after `$(` in double quotes"),
        ("echo $((1 + {word}))", "in or after `$((`"),
        ("echo `echo {word}`", "in backticks"),
        ("echo 1.25 # {word}", "in a comment"),
        ("echo \\{word}", "after a backslash"),
        ("cat << END\n{word}\nEND", "in or after a here-document"),
        ("echo $'{word}'", "in or after $'"),
    ],
)
def test_where_nothing_can_be_quoted_only_numbers_are_filled_in(command: str, place: str) -> None:
    simulator = Command(CommandSettings.model_validate({"command": command, "shell": True}))
    said = f"numbers, for {{word}} {place} in a command of the shell"
    assert (simulator.allows("word", "a") or "").startswith(said)
    with pytest.raises(ValueError, match=re.escape(f"'a b' is given; allowed: {said}")):
        shell.fill(command, {"word": "a b"})
    assert simulator.allows("word", 3) is None
    ran = subprocess.run(
        ["/bin/sh", "-c", shell.fill(command, {"word": 3})], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip()
    with pytest.raises(ValidationError, match=r"workdir, such as '\.', does not fit; allowed: numbers"):
        CommandSettings.model_validate({"command": command.replace("word", "workdir"), "shell": True})


def test_braces_of_the_shell_are_no_placeholders() -> None:
    text = 'echo ${HOME} "{{ y }}" {a,b} \'{"y": 1}\''
    assert shell.fill(text, {}) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("./sim.sh {x} > out.log", [">"]),
        ("lmp -var e {x} < in.melt", ["<"]),
        ("./sim.sh {x} 2>&1", ["2>&1"]),
        ("./sim.sh {x} >out.log", [">"]),
        ("cd /tmp && ./sim.sh {x}", ["&&"]),
        ("cd /tmp; ./sim.sh {x}", [";"]),
        ("./sim.sh {x} | tail -1", ["|"]),
        ("./sim.sh $HOME ${HOME} $(date)", ["$HOME", "${HOME}", "$("]),
        ("./sim.sh {x} ~/data/start.xyz", ["~"]),
        ("OMP_NUM_THREADS=2 ./sim.sh", ["OMP_NUM_THREADS=2"]),
        ("./sim.sh {x:>5} '|' \"a > b\" a~b --input=in.melt x;y x>y {kind}", []),
        ("awk '{print $1 > 2}' {x}", []),
    ],
)
def test_what_only_a_shell_understands_is_remarked(text: str, found: list[str]) -> None:
    assert syntax_in(text) == found
    assert bool(build("command", {"command": text}).remarks()) == bool(found)
    assert build("command", {"command": text, "shell": True}).remarks() == []


def test_a_shell_of_ones_choice_knows_its_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `module`, which a login shell's profile defines."""
    (tmp_path / ".bash_profile").write_text("module() { loaded=$2; }\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    text = "module load gromacs && echo '{\"f\": {x}}' && test $loaded = gromacs"
    with_functions = build("command", {"command": text, "shell": "bash -l"})
    assert with_functions.run({"x": 2.0}, Context(tmp_path, 1)).values == {"f": 2.0}
    with pytest.raises(SimulationError, match="module: not found"):
        build("command", {"command": text, "shell": True}).run({"x": 2.0}, Context(tmp_path, 1))
    with pytest.raises(ValidationError, match="allowed: true, or one of sh, dash, bash"):
        CommandSettings.model_validate({"command": text, "shell": "csh"})


def test_a_command_that_is_not_there_may_be_the_shells() -> None:
    [said] = build("command", {"command": "module_load gromacs && gmx mdrun"}).check()
    assert said == (
        "command: 'module_load' is not found; `&&` in the command is for a shell: `shell: true` lets one read it"
    )


def test_a_script_of_windows(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_bytes(b"#!/bin/sh\r\necho 1\r\n")
    (tmp_path / "run.sh").chmod(0o755)
    settings = CommandSettings.model_validate({"command": "./run.sh {x}"}, context={"folder": tmp_path})
    [said] = Command(settings).check()
    assert said.startswith(f"command: the first line of {tmp_path}/run.sh ends in CR, as on Windows: `sed -i")
