"""Processor time and memory of running processes, read from /proc (Linux). Knows nothing of what they do."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """Resident memory of some processes together, in MiB. pss counts what they share once."""

    rss: float
    pss: float


def family(pid: int) -> list[int]:
    """A process and all processes below it."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in children.read_text().split()]
            except OSError:
                continue  # the thread has just ended
    return found


def processor_ms(roots: Iterable[int]) -> float:
    """User and system milliseconds that these processes and all below them have used since they began.

    Children that have ended are within: the kernel adds their time to the parent that waited for them.
    """
    ticks = 0
    for root in roots:
        for pid in family(root):
            try:
                after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            # proc(5): utime stime cutime cstime are fields 14 to 17; the state, field 3, is the first after the name
            ticks += sum(int(value) for value in after_name[11:15])
    return ticks * 1000 / _TICKS_PER_S


def memory(root: int) -> Memory:
    """Memory of a process and all below it."""
    kib = {"Rss": 0, "Pss": 0}
    for pid in family(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, rest = line.partition(":")
            if name in kib:
                kib[name] += int(rest.split()[0])
    return Memory(rss=kib["Rss"] / 1024, pss=kib["Pss"] / 1024)
