"""What `softal doctor` says of ports that listen, of sockets that do."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from softal.orchestrator.cluster import private
from softal.terminal.listening import Listening, listening, ports_in_words, token_in_words

SERVER = """
import socket, sys, time
listening = []
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")):
    one = socket.socket(family)
    one.bind((address, 0))
    one.listen()
    listening.append(one)
print(*(one.getsockname()[1] for one in listening), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def ports() -> Iterator[list[int]]:
    """Ports of a process that is called like Ray's raylet: on loopback, on all interfaces, on loopback by IPv6."""
    command = [sys.executable, "-c", SERVER, "/raylet/raylet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield list(map(int, process.stdout.readline().split()))
        process.kill()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ports_are_found_with_what_they_listen_on(ports: list[int]) -> None:
    found = {one.port: one for one in listening() if one.port in ports}
    assert [found[port].address for port in ports] == ["127.0.0.1", "0.0.0.0", "::1"]
    assert [found[port].open for port in ports] == [False, True, False]
    assert {one.part for one in found.values()} == {"raylet"}
    assert (
        ports_in_words(list(found.values()))
        == f"reached from other machines: raylet ({ports[1]}); 2 only from this one"
    )


def test_words_for_none_and_many() -> None:
    assert ports_in_words([]).startswith("no Ray of yours runs. One that softal starts listens on all interfaces")
    many = [Listening("workers", "::", port) for port in range(6)]
    assert ports_in_words(many) == "reached from other machines: workers (0, 1, 2, 3 and 2 more); 0 only from this one"
    assert ports_in_words([Listening("GCS", "::1", 1)]) == "none is reached from other machines; 1 only from this one"


def test_the_token_is_looked_at_and_never_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (private.MODE, private.TOKEN):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "token"
    monkeypatch.setenv(private.TOKEN_PATH, str(path))
    assert token_in_words() == (f"none yet; the first launch makes {path} for you alone", "")
    path.write_text("a secret")
    path.chmod(0o640)
    found, advice = token_in_words()
    assert (found, advice) == (f"others can read {path} (0640), and run code as you with it", f"chmod 600 {path}")
    private.keep_token(make=False)
    assert token_in_words() == (f"{path}, for you alone", "")
    monkeypatch.setenv(private.TOKEN, "a secret")
    assert "secret" not in token_in_words()[0]
    monkeypatch.setenv(private.MODE, "disabled")
    assert token_in_words()[1] == f"unset {private.MODE}"
