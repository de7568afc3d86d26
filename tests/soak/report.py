"""What a run has come to: for a file, and for people."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from itertools import pairwise
from typing import Any

from benches.machine import describe
from tests.soak.run import Course, Suffered

Json = dict[str, Any]


def report_of(course: Course, *, command: str) -> Json:
    """All that is published; ``failures`` is empty for a run that held."""
    counts: Json = course.verdict["counts"]
    return {
        "seed": course.seed,
        "replay": command,
        "versions": {"postroom": version("postroom"), "postgresql": course.postgres},
        "machine": describe(),
        "seconds": {"loaded": round(course.loaded_seconds, 1), "all": round(course.seconds, 1)},
        "failures": failures_of(course),
        "classes": course.verdict["classes"],
        "counts": counts,
        "redelivered_per_thousand": round(1000 * counts["handed_again"] / max(counts["messages"], 1), 2),
        "acks_per_second": round(counts["acks"] / course.loaded_seconds, 1),
        "faults": dict(Counter(fault.kind for fault in course.faults)),
        "recovery": recovery_of(course),
        "course": [{"kind": each.kind, "detail": each.detail, "at": round(each.began - course.began, 2)} for each in course.faults],
        "found": course.verdict["faults"],
        "complaints": course.complaints,
    }


def failures_of(course: Course) -> list[str]:
    """Why a run does not count as proof; empty when it does."""
    scale, hit = course.scale, {fault.kind for fault in course.faults}
    acks = course.verdict["counts"]["acknowledged"]
    failures = [f"{name}: {count}" for name, count in course.verdict["classes"].items() if count] + course.complaints
    if len(course.faults) < scale.least_faults:
        failures.append(f"{len(course.faults)} faults, {scale.least_faults} wanted")
    if len(hit) < scale.least_kinds:
        failures.append(f"{len(hit)} kinds of faults, {scale.least_kinds} wanted")
    failures += [f"never happened: {kind}" for kind in scale.kinds if kind not in hit]
    if acks < scale.least_acks:
        failures.append(f"{acks} sends acknowledged, {scale.least_acks} wanted")
    return failures


def recovery_of(course: Course) -> Json:
    """Seconds from a fault's beginning to the next acknowledgement and the next end, and the longest silence that it caused."""
    found: Json = {}
    for kind in sorted({fault.kind for fault in course.faults}):
        felt = [fault for fault in course.faults if fault.kind == kind]
        found[kind] = {
            "next_ack": _spread([_next(course.acks, fault.began) for fault in felt]),
            "next_end": _spread([_next(course.ends, fault.began) for fault in felt]),
            "longest_without_ack": _spread([_silence(course.acks, fault) for fault in felt]),
            "well_after": _spread([fault.recovered - fault.healed for fault in felt]),
        }
    return found


def _next(times: Sequence[float], moment: float) -> float:
    place = bisect_right(times, moment)
    return times[place] - moment if place < len(times) else float("inf")


def _silence(times: Sequence[float], fault: Suffered) -> float:
    felt = times[max(bisect_right(times, fault.began) - 1, 0) : bisect_right(times, fault.recovered) + 1]
    return max((after - before for before, after in pairwise(felt)), default=0.0)


def _spread(values: Sequence[float]) -> Json:
    ordered = sorted(values)
    return {"p50": round(ordered[len(ordered) // 2], 2), "max": round(ordered[-1], 2)}


def words_of(report: Json) -> str:
    """A page for people."""
    wrong = ", ".join(f"{name} {count}" for name, count in report["classes"].items())
    lines = [
        f"seed {report['seed']}, {report['versions']}, {report['machine']}",
        f"{report['seconds']['loaded']} s under faults, {report['seconds']['all']} s in all",
        f"faults: {sum(report['faults'].values())} of {len(report['faults'])} kinds: {report['faults']}",
        f"counts: {report['counts']}",
        f"{report['acks_per_second']} acks/s, {report['redelivered_per_thousand']} of 1,000 messages handed out again",
        "",
        f"{'seconds (p50/max)':22} {'next ack':>13} {'next end':>13} {'without ack':>13} {'all well':>13}",
    ]
    for kind, felt in report["recovery"].items():
        lines.append(f"{kind:22} " + " ".join(f"{each['p50']:6.2f}/{each['max']:6.2f}" for each in felt.values()))
    lines += ["", f"wrong: {wrong}"]
    lines += [f"FAILED {failure}" for failure in report["failures"]]
    lines += [f"  {name}: {entry}" for name, entries in report["found"].items() for entry in entries]
    lines.append(f"{'failed' if report['failures'] else 'held'}; again: {report['replay']}")
    return "\n".join(lines)
