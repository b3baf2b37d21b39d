from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing_agent.stack import Stack

names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.just("\udc80"), max_size=5)


@given(st.lists(names | st.none(), max_size=60), st.integers(1, 4))
def test_like_a_list_whatever_is_on_the_disk(steps: list[str | None], block: int) -> None:
    plain = list[str]()
    with contextlib.closing(Stack(None, block)) as stack:
        for name in steps:
            if name is not None:
                stack.push(name)
                plain.append(name)
            elif plain:
                assert stack.pop() == plain.pop()
            assert bool(stack) is bool(plain)
            assert len(stack._top) < 2 * block
        while plain:
            assert stack.pop() == plain.pop()
        assert not stack
        with pytest.raises(IndexError):
            stack.pop()
