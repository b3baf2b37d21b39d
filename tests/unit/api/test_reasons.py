"""Each reason is explained to people."""

import re
from pathlib import Path

from processing_operator.api.reasons import Reason

PAGE = Path(__file__).resolve().parents[3] / "docs" / "results.md"


def test_every_reason_is_in_the_docs_and_no_other() -> None:
    table = PAGE.read_text().partition("## Reasons")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {word for row in rows for word in re.findall(r"`(\w+)`", row)} == {reason.value for reason in Reason}
