"""Reads which libraries a project declares, in which versions, and where it says so."""

from __future__ import annotations

from gunitune.project.dependencies.collect import read_dependencies
from gunitune.project.dependencies.found import Dependencies, Pin

__all__ = ["Dependencies", "Pin", "read_dependencies"]
