"""The examples of integration-api.md as test data of the project, and where the document is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[2] / "shared" / "integration-api.md"


@pytest.fixture(scope="session")
def examples() -> dict[str, Any]:
    """Every JSON example of the document, in its order, by the headings above it."""
    return json.loads((HERE / "examples.json").read_text())


@pytest.fixture(scope="session")
def document() -> str:
    """The document itself."""
    if not DOCUMENT.exists():
        pytest.skip("../shared/integration-api.md is not here: examples.json stands for it")
    return DOCUMENT.read_text()


@pytest.fixture(scope="session")
def code_blocks(document: str) -> dict[str, str]:
    """The text of every JSON block of the document, by the headings above it."""
    return dict(blocks_in(document))


def blocks_in(document: str) -> Iterator[tuple[str, str]]:
    """Yield heading and text of every JSON block; a tab (`== Twilio SMS`) is a heading, too."""
    section, heading, block = "", "", None
    for line in document.splitlines():
        if block is None and line.startswith("## "):
            section = line.removeprefix("## ")
        elif block is None and line.startswith(("### ", "== ")):
            heading = line.split(" ", 1)[1]
        elif line == "```json":
            block = list[str]()
        elif line == "```" and block is not None:
            yield f"{section} / {heading}", "\n".join(block)
            block = None
        elif block is not None:
            block.append(line)
