"""The tables: one row a scenario, floor beside application, with the aim and whether it is met. Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from benchmarks.processes import Memory
from benchmarks.scenarios import PEOPLE_PER_SECOND, Scenario


@dataclass(frozen=True)
class Sample:
    """One round of one scenario on one side."""

    processor_ms: float
    per_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Measured:
    """All rounds of a scenario, floor and application of one round beside each other."""

    scenario: Scenario
    floor: list[Sample]
    application: list[Sample]

    @property
    def ratio(self) -> float:
        """The median over rounds of application to floor: what disturbed a round disturbed both sides of it."""
        pairs = zip(self.floor, self.application, strict=True)
        return median(ours.processor_ms / max(theirs.processor_ms, 0.001) for theirs, ours in pairs)

    @property
    def processor_ms(self) -> float:
        """The median over rounds of the application's processor time for one request."""
        return _middle(self.application, "processor_ms")

    @property
    def is_met(self) -> bool:
        """Whether the ratio, and the processor time, are within what is aimed at."""
        aim, limit = self.scenario.aim, self.scenario.limit_ms
        return (aim is None or self.ratio <= aim) and (limit is None or self.processor_ms <= limit)

    @property
    def aim_words(self) -> str:
        """What is aimed at: "15" as a ratio, "80 ms" as processor time."""
        aim, limit = self.scenario.aim, self.scenario.limit_ms
        parts = ["" if aim is None else f"{aim:g}", "" if limit is None else f"{limit:g} ms"]
        return " and ".join(part for part in parts if part)


def _middle(samples: list[Sample], name: str) -> float:
    return float(median(getattr(sample, name) for sample in samples))


def _row(measured: Measured) -> str:
    floor, ours = measured.floor, measured.application
    cells = [
        measured.scenario.name,
        f"{_middle(floor, 'processor_ms'):.2f}",
        f"{_middle(ours, 'processor_ms'):.2f}",
        f"{measured.ratio:.2f}",
        measured.aim_words,
        "yes" if measured.is_met else "**no**",
        *(f"{_middle(side, 'per_second'):,.0f}" for side in (floor, ours)),
        *(f"{_middle(side, 'p50_ms'):.1f}" for side in (floor, ours)),
        *(f"{_middle(side, 'p99_ms'):.1f}" for side in (floor, ours)),
    ]
    return "| " + " | ".join(cells) + " |"


def table(engine: str, results: list[Measured]) -> str:
    """The main table of one engine."""
    head = (
        "what",
        "floor ms",
        "ours ms",
        "ratio",
        "aim",
        "met",
        "floor a second",
        "ours a second",
        "floor p50 ms",
        "ours p50 ms",
        "floor p99 ms",
        "ours p99 ms",
    )
    lines = [f"## {engine}", "", "| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    lines += [_row(measured) for measured in results]
    people = [measured for measured in results if "form_path" in measured.scenario.job]
    for measured in people:
        rate = _middle(measured.application, "per_second")
        verdict = "met" if rate >= PEOPLE_PER_SECOND else "**not met**"
        lines += ["", f"Registered people a second: {rate:.0f} (aim {PEOPLE_PER_SECOND}: {verdict})."]
    return "\n".join(lines)


def memory_table(rows: dict[str, tuple[Memory, Memory]]) -> str:
    """Memory of the server's processes. rows: whose -> (at rest, after all rounds)."""
    lines = [
        "| memory, MiB | PSS at rest | PSS after | RSS at rest | RSS after |",
        "|---|--:|--:|--:|--:|",
    ]
    for whose, (rest, after) in rows.items():
        lines.append(f"| {whose} | {rest.pss:.0f} | {after.pss:.0f} | {rest.rss:.0f} | {after.rss:.0f} |")
    return "\n".join(lines)
