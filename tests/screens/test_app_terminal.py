"""The app from a terminal."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

import app
import cli
from planning.accounts import TERMINAL, add_account, change_password, first_link
from planning.errors import InputError
from planning.sessions import Session, open_session, session_of
from planning.store import Store, open_store
from screens import app_terminal
from screens.app_terminal import is_loopback


@pytest.fixture(name="handed")
def what_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The programs that the command hands over to, none of which is run."""
    words: list[list[str]] = []
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path))
    monkeypatch.setattr(app_terminal.os, "chdir", lambda _: None)
    monkeypatch.setattr(app_terminal.os, "execv", lambda program, given: words.append([program, *given]))
    return words


def with_a_password(store: Store) -> None:
    """An administrator who can sign in."""
    account = add_account(store, TERMINAL, "boss", roles=["admin"])
    with store.write("test", "session.begin", account) as tx:
        token = open_session(tx, account)
    session = session_of(store, token)
    assert isinstance(session, Session)
    change_password(store, session, "", "tulsi chai subah")


def free_port() -> str:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_the_app_is_served_on_this_machine_alone(handed: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints its address and hands over to the server, bound to 127.0.0.1 on the port asked for; a port that is taken is refused."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = str(server.getsockname()[1])
        assert cli.main(["app", "--port", port]) == 1
        assert "[app.port]" in capsys.readouterr().err
    assert handed == []
    cli.main(["app", "--port", port])
    assert f"http://127.0.0.1:{port}" in capsys.readouterr().out
    assert handed[0][0] == sys.executable
    assert {"--server.address=127.0.0.1", f"--server.port={port}"} <= set(handed[0])


def test_another_address_is_refused_until_somebody_can_sign_in(handed: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """Without an account with a password the way out is told; with one the address is taken, and plain http over a network is warned of."""
    port = free_port()
    for address in ("0.0.0.0", "::"):
        assert cli.main(["app", "--port", port, "--address", address]) == 1
        said = capsys.readouterr().err
        assert "[app.open]" in said
        assert "open the link it prints and set a password" in said
    assert handed == []
    with_a_password(open_store())
    cli.main(["app", "--port", port, "--address", "0.0.0.0"])
    assert "in the clear" in capsys.readouterr().err
    assert "--server.address=0.0.0.0" in handed[0]
    cli.main(["app", "--port", port, "--address", "0.0.0.0", "--cert", "c.pem", "--key", "k.pem"])
    out, err = capsys.readouterr()
    assert out.startswith("Chaukas: https://")
    assert err == ""
    assert {"--server.sslCertFile=c.pem", "--server.sslKeyFile=k.pem"} <= set(handed[1])


def test_a_certificate_without_its_key_is_refused(handed: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """And the key without the certificate."""
    for words in (["--cert", "c.pem"], ["--key", "k.pem"]):
        assert cli.main(["app", *words]) == 1
        assert "[app.cert]" in capsys.readouterr().err
    assert handed == []


@pytest.mark.parametrize(
    ("address", "here"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("10.0.0.1", False),
     ("localhost.evil.example", False), ("2130706433", False), ("", False), (None, False)],
)  # fmt: skip
def test_only_loopback_is_loopback(address: str | None, here: bool) -> None:
    """Names and numbers that others could reach, and none at all, are not this machine alone."""
    assert is_loopback(address) is here


def test_each_start_prints_the_first_link_until_there_is_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new link at each start, and none once somebody can sign in; where Streamlit's server listens to others, the start is refused."""
    monkeypatch.setenv("CHAUKAS_STATE", str(tmp_path))
    links = set()
    for _ in range(2):
        app._let_the_first_in()
        links.add(capsys.readouterr().out.rpartition("/link/")[2].strip())
    assert len(links) == 2
    assert all(len(link) == 43 for link in links)
    monkeypatch.setattr(app.st.config, "_server_mode", "starlette-app")
    monkeypatch.setattr(app.st, "get_option", {"server.address": "0.0.0.0"}.get)
    with pytest.raises(InputError) as refused:
        app._let_the_first_in()
    assert refused.value.code == "app.open"
    with_a_password(open_store())
    app._let_the_first_in()
    assert capsys.readouterr().out == ""
    assert first_link(open_store()) is None
    open_store().engine.dispose()
