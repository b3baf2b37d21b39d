"""`processing-operator`, or `python -m processing_operator`: run the operator."""

from __future__ import annotations

import asyncio
import sys

from processing_operator.lean_imports import skip_generated_models


def main() -> None:
    """Run until a signal comes."""
    skip_generated_models()
    from processing_operator.app import run  # noqa: PLC0415 - only now may the client be imported
    from processing_operator.settings import Settings  # noqa: PLC0415

    sys.exit(asyncio.run(run(Settings())))


if __name__ == "__main__":
    main()
