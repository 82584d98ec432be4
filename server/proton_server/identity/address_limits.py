"""How often each address may ask for something, within bounded memory."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_ADDRESSES = 10_000
"""How many are remembered; the one that has been away for longest is forgotten first."""


class AddressLimits:
    """A token bucket for each address: so many in a minute, all of them at once if need be."""

    def __init__(
        self, per_minute: int, clock: Callable[[], float] = time.monotonic, addresses: int = _ADDRESSES
    ) -> None:
        self._most, self._rate = float(per_minute), per_minute / 60.0
        self._clock, self._addresses, self._mutex = clock, addresses, threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """How many an address had left, and when."""

    def wait(self, address: str) -> float:
        """Counts one more of an address, and returns 0; or in how many seconds it may ask again."""
        network = network_of(address)
        with self._mutex:
            now = self._clock()
            left, at = self._left.pop(network, (self._most, now))
            left = min(self._most, left + (now - at) * self._rate)
            allowed = left >= 1.0
            self._left[network] = (left - 1.0 if allowed else left, now)
            if len(self._left) > self._addresses:
                self._left.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self._rate


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the network of a household, which has 2^64 of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
