"""Which machine and environment a config file is read for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_CORES = Unknown("the cores that the target shows are not known")
_NO_AFFINITY = Unknown("the CPUs that the target lets a process run on are not known")


@dataclass(frozen=True, slots=True)
class Machine:
    """The declared target as a config file would see it when Gunicorn loads it there.

    `cores` is what `os.cpu_count()` gives, `affinity` how many CPUs the process may run on.
    `environ` holds the environment variables that are set. Imports are followed below `root`.
    """

    cores: int | Unknown = _NO_CORES
    affinity: int | Unknown = _NO_AFFINITY
    environ: Mapping[str, str] = field(default_factory=dict)
    root: Path = Path()
