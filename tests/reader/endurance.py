"""Many taps in a row; the heap must not grow. Runs under MicroPython (and CPython, uncounted).

micropython -X heapsize=192k tests/reader/endurance.py 10000
"""

import gc
import sys

sys.path.insert(0, "")

from reader import words as w
from tests.reader.bench import play
from tests.reader.scripted import ScriptedCard

WARM_UP = 200
"""Taps before the first count: lists that grow once have grown by then."""


def _allocated() -> int:
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def main(taps: int) -> None:
    heap = []

    async def story(b):
        await b.hello()
        card = ScriptedCard()
        card.lies = False
        b.chip.cards = [card]
        for number in range(1, taps + WARM_UP + 1):
            if number == WARM_UP:
                heap.append(_allocated())
            assert await b.arm(number & 0xFFFF or 1) == w.OK
            card.lies = True
            card.apdus.clear()
            await b.run(150)
            assert len(b.take(w.EV_TAP)) == 1, number
            session = (w.T_SESSION, number & 0xFFFF or 1)
            assert await b.status(w.RESULT, session, (w.T_OUTCOME, w.APPROVED)) == w.OK
            card.lies = False
            await b.run(500)
            b.events.clear()
            b._seen.clear()
        heap.append(_allocated())

    bench = play(story)
    assert bench.stat("taps") == taps + WARM_UP
    assert bench.stat("task_faults") == 0
    growth = heap[1] - heap[0]
    print(f"{taps} taps: {heap[0]} bytes in use before, {heap[1]} after, growth {growth}")
    assert growth < 512, "the heap grows"


main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
