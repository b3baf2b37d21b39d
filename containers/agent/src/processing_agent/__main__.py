"""`processing-agent fetch|upload`: what the two staging containers run."""

from __future__ import annotations

import gc
import os
import sys

from processing_agent.layout import Layout
from processing_agent.light import TYPE_CHECKING, signal
from processing_agent.logs import log
from processing_agent.result import Result, report

if TYPE_CHECKING:
    from typing import NoReturn

USAGE = "usage: processing-agent fetch|upload"
CRASHED = 1  # anything but 0, 64 and 75 is restarted by the kubelet


def main(arguments: list[str] | None = None) -> int:
    """Run one phase; give its exit code."""
    match sys.argv[1:] if arguments is None else arguments:
        case ["fetch"]:
            from processing_agent.fetch import run  # noqa: PLC0415 - loaded only when it is needed: starting fast counts
        case ["upload"]:
            # held back until upload can act on it: a container ended this early may have outputs of an earlier run
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            from processing_agent.upload import run  # noqa: PLC0415 - loaded only when it is needed: starting fast counts
        case _:
            print(USAGE, file=sys.stderr)
            return 2
    layout = Layout.of_environment()
    try:
        return run(layout)
    except Exception as error:  # noqa: BLE001 - passed on or sorted below, whatever it is
        import traceback  # noqa: PLC0415 - takes long to load, and is needed seldom

        message = f"unexpected: {type(error).__name__}: {error}"
        log("error", message, traceback=traceback.format_exc(limit=8))
        return report(Result(CRASHED, message=message), layout.termination_log)


def start() -> NoReturn:
    """Be the process: run one phase, and end."""
    # what is alive after loading is not looked through again and again; what goes in circles afterwards is little
    gc.set_threshold(50_000)
    code = main()
    sys.stdout.flush()
    os._exit(code)  # nothing is left to be done, and taking everything apart takes 4 ms


if __name__ == "__main__":
    start()
