"""What the demo cannot serve as asked for: one sentence, before anything has begun."""

import socket
from collections.abc import Generator

import pytest

from bot.cli import main


@pytest.fixture
def taken() -> Generator[str]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one line that is said."""
    assert main(["demo", "--no-browser", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line


@pytest.mark.parametrize("more", [(), ("--panel-only",)])
def test_a_port_in_use(capsys: pytest.CaptureFixture[str], taken: str, more: tuple[str, ...]) -> None:
    assert f"port {taken} can't be used (Address already in use)" in refused(capsys, "--port", taken, *more)


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_no_port(capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert f"--port {port} is no port" in refused(capsys, "--port", port)


def test_a_language_that_discord_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--locale xx is no language of Discord's. It knows bg, cs," in refused(capsys, "--locale", "xx")
    assert "It knows bg, cs," in refused(capsys, "--locale", "es")  # es-ES and es-419 are


def test_a_language_that_the_bot_speaks_and_discord_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "--locale", "ar")
    assert "The bot speaks it: leave --locale out, send /settings in the demo and choose العربية." in said
