"""What slices above may add to the page of a host. workshops.wiring connects the listeners."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

#: The sender is the Event; session, now. Listeners return (words, number) pairs, such as [("Came", 12)], or None.
host_counts_composed = _signals.signal("host_counts_composed")
