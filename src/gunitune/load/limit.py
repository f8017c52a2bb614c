"""Tells when the load generator, and not the server, set the pace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.trial import Latency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunitune.model import Unknown

BUSY_SHARE = 0.75  # of the CPUs that the generator can use
LATE_SHARE = 0.1  # of p99
LATE_LEAST_MS = 1.0  # what a timer and a wake-up may take on a machine that is not idle
OWN_ERRORS = ("no free port", "too many open files", "cannot assign requested address")


def limit_of(
    used: float,
    usable: float,
    latency: Latency | Unknown,
    lag_p99_ms: float,
    errors: Mapping[str, int],
) -> str:
    """Why the generator may have been the limit; "" where nothing speaks for it.

    `used` and `usable` are CPUs: what it took on average, and the most it could.
    """
    own = [kind for kind in OWN_ERRORS if errors.get(kind)]
    if own:
        return f"the load generator ran into its own limit: {own[0]}"
    if used > BUSY_SHARE * usable:
        of = "a CPU" if usable == 1 else f"{usable:g} CPUs"
        return f"the load generator itself was busy for {used / usable:.0%} of {of}"
    late = max(LATE_SHARE * latency.p99_ms if isinstance(latency, Latency) else 0, LATE_LEAST_MS)
    if lag_p99_ms > late:
        return (
            f"requests were sent late by the load generator: p99 of the delay {lag_p99_ms:.1f} ms"
        )
    return ""
