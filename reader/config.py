"""Settings that outlive a restart: small numbers with limits, kept by the hal as text."""

LIMITS = {
    # name: (least, most, at first)
    "volume": (0, 100, 60),
    "brightness": (5, 100, 40),
    "poll_ms": (10, 1000, 40),
    "presence_ms": (30, 1000, 100),
    "tips": (0, 1, 0),
}


class Config:
    """The settings; whatever is missing or damaged has its first value."""

    def __init__(self, hal) -> None:
        self._hal = hal
        self._values = {name: limits[2] for name, limits in LIMITS.items()}
        for line in hal.load().split("\n"):
            name, _, value = line.partition("=")
            if name in LIMITS and value.isdigit():
                self._set(name, int(value))

    def _set(self, name: str, value: int) -> bool:
        least, most, _ = LIMITS[name]
        if not least <= value <= most:
            return False
        self._values[name] = value
        return True

    def get(self, name: str) -> int:
        return self._values[name]

    def change(self, name: str, value: int) -> bool:
        """Set and keep; False for an unknown name or a value out of its limits."""
        if name not in LIMITS or not self._set(name, value):
            return False
        lines = [f"{key}={kept}" for key, kept in sorted(self._values.items())]
        self._hal.save("\n".join(lines))
        return True
