"""Budgets against guessing and flooding (THREATS 13): token buckets in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from host.clock import Clock


@dataclass(frozen=True, slots=True)
class Rate:
    """How many requests at once, and how many a second after that."""

    burst: int
    per_second: float


class Budget:
    """A bucket of tokens for each key; who asks with an empty one is refused.

    The bucket that was used the longest ago is forgotten when there are `max_keys`. That favours
    a flood from very many addresses over our memory; each of those still has to pay its way.
    """

    def __init__(self, rate: Rate, clock: Clock, max_keys: int = 20_000) -> None:
        self._rate = rate
        self._clock = clock
        self._max_keys = max_keys
        self._buckets: OrderedDict[object, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, key: object) -> bool:
        """Take a token; False when there is none, and then nothing should be done for the key."""
        now = self._clock.now()
        with self._lock:
            tokens, at = self._buckets.pop(key, (float(self._rate.burst), now))
            # A clock set back must not empty or fill a bucket.
            gained = max(0, now - at) * self._rate.per_second / 1_000
            tokens = min(float(self._rate.burst), tokens + gained)
            allowed = tokens >= 1
            self._buckets[key] = (tokens - 1 if allowed else tokens, now)
            if len(self._buckets) > self._max_keys:
                self._buckets.popitem(last=False)
            return allowed

    def __len__(self) -> int:
        return len(self._buckets)
