"""What tests of the real process share."""

import socket

import pytest


@pytest.fixture
def port() -> int:
    """A port of this machine that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
