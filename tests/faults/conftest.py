"""Fixtures: a rogue relay, several connections to it, and batches small enough that each has something to do."""

from collections.abc import Iterator
from typing import Any

import pytest

from blogapp.delivery import pace
from blogapp.digest import planning
from tests.faults.sending import CONNECTIONS
from tests.rogue import Rogue


@pytest.fixture
def rogue() -> Iterator[Rogue]:
    """The relay. Whatever it does, we keep our manners and never open more than we may."""
    with Rogue() as rogue:
        yield rogue
        assert rogue.state["blamed"] == {}
        assert rogue.state["most"] <= 2 * CONNECTIONS  # some may be leaving


@pytest.fixture
def chosen(rogue: Rogue) -> dict[str, Any]:
    return {"smtp_url": rogue.url, "mail_connections": CONNECTIONS}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches; and whom the relay has slowed is as fast as before after some moments, not minutes."""
    monkeypatch.setattr(planning, "BATCH", 20)
    monkeypatch.setattr(pace, "DOUBLES_IN_SECONDS", 0.1)
