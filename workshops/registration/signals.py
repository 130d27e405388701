"""What slices above may add to the pages of registration. workshops.wiring connects the listeners."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

#: The sender is the Event; session, now. One listener returns what is expected, with `forecast` and `suggestions`.
expectations_composed = _signals.signal("expectations_composed")
