"""Quantities as people write and read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunitune.errors import UsageError
from gunitune.units import (
    format_number,
    format_size,
    parse_cpus,
    parse_duration,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("512M", 512 << 20), ("512MiB", 512 << 20), ("512Mi", 512 << 20), ("512mb", 512 << 20),
     ("1G", 1 << 30), ("1.5GiB", 3 << 29), ("2048k", 2 << 20), ("1048576", 1 << 20),
     (" 2 GiB ", 2 << 30),     ("1T", 1 << 40), ("9999999B", 9999999)],
)  # fmt: skip
def test_a_size_is_read(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    "text", ["", "0", "-1G", "512", "64k", "lots", "1 PB", "1G1", "9" * 40, "1e9", "٣M"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size of memory"):
        parse_size(text)


@pytest.mark.parametrize(("text", "cpus"), [("2", 2), ("0.5", 0.5), ("500m", 0.5), (".25", 0.25)])
def test_cpus_are_read(text: str, cpus: float) -> None:
    assert parse_cpus(text) == cpus


@pytest.mark.parametrize("text", ["", "0", "-2", "two", "0m", "1e3", "nan", "inf", "99999999"])
def test_what_is_no_number_of_cpus_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a number of CPUs"):
        parse_cpus(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("250ms", 0.25), ("2m", 120), ("1h", 3600), ("1.5", 1.5)]
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "-1s", "soon", "3 d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(512 << 20, "512 MiB"), (3 << 29, "1.5 GiB"), (1536, "1.5 KiB"), (100, "100 B")],
)
def test_a_size_is_written(size_bytes: int, text: str) -> None:
    assert format_size(size_bytes) == text


@given(st.integers(2**20, 2**40))
def test_a_written_size_reads_back_nearly(size_bytes: int) -> None:
    assert abs(parse_size(format_size(size_bytes)) - size_bytes) <= 0.06 * size_bytes


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2.0, "2"),
        (0.5, "0.5"),
        (2, "2"),
        (0.3333333, "0.333"),
        (True, "True"),
        (float("inf"), "inf"),
    ],
)
def test_a_number_is_written_without_a_needless_fraction(number: float, text: str) -> None:
    assert format_number(number) == text
