"""The order of the suite: what starts whole sweeps comes first, so that two workers end at about the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

# Folders and files whose tests take half a minute each; what is left are thousands of quick ones.
SLOW = ("system", "test_examples.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the slow files in front; the order inside of a file, and of the other files, stays."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(here).parts[0] not in SLOW if here in item.path.parents else True)
