"""What stands in for `threading`, under threads of its own."""

from __future__ import annotations

import threading
import time

from processing_agent.threads import Background, Flag


def test_a_flag_lets_all_go_on_and_stays_set() -> None:
    flag, passed = Flag(), threading.Barrier(4)

    def wait() -> None:
        assert flag.wait()
        passed.wait(10)

    for _ in range(3):
        Background(wait).start()
    assert not flag.is_set()
    flag.set()
    flag.set()
    passed.wait(10)
    assert flag.wait(0)
    assert flag.is_set()


def test_a_flag_that_nobody_sets() -> None:
    began = time.monotonic()
    assert not Flag().wait(0.05)
    assert not Flag().wait(-1)
    assert time.monotonic() - began >= 0.05


def test_the_end_is_waited_for() -> None:
    go, done = Flag(), Flag()

    def work() -> None:
        go.wait()
        done.set()

    thread = Background(work)
    thread.start()
    assert not done.is_set()
    go.set()
    thread.join()
    assert done.is_set()
