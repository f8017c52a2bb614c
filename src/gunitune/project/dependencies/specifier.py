"""Reads what a version specifier says: the exact version, the lowest, and which of two is newer.

Understands PEP 440 (`>=22,<24`, `~=23.0`, `==23.*`) and Poetry's own (`^23`, `~23.1`, `23.0.0`,
`^22 || ^23`).
"""

from __future__ import annotations

import re

_CLAUSE = re.compile(r"(===|==|~=|!=|<=|>=|<|>|=|\^|~|)\s*([A-Za-z0-9_.*+!-]{1,64})")
_VERSION = re.compile(r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:\.\*)?([A-Za-z0-9_.+!-]*)")
_EXACT = ("", "=", "==", "===")
_LOWER = (*_EXACT, ">=", ">", "~=", "^", "~")
_FINAL = re.compile(r"\+|[._-]?(?:post|rev|r)(?:\d|$|[._-])|-\d")


def tidy(text: str, separators: str = ",") -> str | None:
    """Spell a specifier without blanks, or give None where it is not one.

    `separators` are the characters that may part its clauses; Poetry and conda allow a blank too.
    """
    parts = re.split(rf"[{separators}]", _closed(text.strip().removeprefix("(").removesuffix(")")))
    matches = [_CLAUSE.fullmatch(part.strip()) for part in parts if part.strip()]
    found = [match[1] + match[2] for match in matches if match]
    return ",".join(found) if len(found) == len(matches) else None


def exact(specifier: str) -> str | None:
    """Give the one version that a specifier allows: `==23.0.0`, Poetry's `23.0.0`."""
    for operator, version in _CLAUSE.findall(specifier):
        if operator in _EXACT and _VERSION.fullmatch(version) and "*" not in version:
            return None if "|" in specifier else str(version)
    return None


def lowest(specifier: str) -> str | None:
    """Give the lower bound of a specifier; of alternatives, the lowest; None where one has none."""
    bounds = [_bound(alternative) for alternative in specifier.split("||")]
    known = [bound for bound in bounds if bound is not None]
    return min(known, key=version_key) if len(known) == len(bounds) else None


def version_key(version: str) -> tuple[int, tuple[int, ...], bool]:
    """Order versions as PEP 440 does, as far as epoch, release and final or not go."""
    match = _VERSION.match(version)
    if match is None:
        return (0, (), False)
    numbers = [int(number) for number in match[2].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    final = not match[3] or _FINAL.match(match[3].lower()) is not None
    return (int(match[1] or 0), tuple(numbers), final)


def _closed(text: str) -> str:
    """`>= 22 , < 24` with each operator next to its version, so that blanks can part clauses."""
    return re.sub(r"([=<>!~^])[ \t]+", r"\1", text)


def _bound(clauses: str) -> str | None:
    versions = [
        version.removesuffix(".*")
        for operator, version in _CLAUSE.findall(clauses)
        if operator in _LOWER and _VERSION.fullmatch(version)
    ]
    return max(versions, key=version_key, default=None)


def allows(specifier: str, version: str) -> bool:
    """Whether a specifier lets a final release in: `>=22,<24` allows 23.0.0."""
    return any(
        all(_meets(version, operator, bound) for operator, bound in _CLAUSE.findall(alternative))
        for alternative in specifier.split("||")
    )


def _meets(version: str, operator: str, bound: str) -> bool:  # noqa: PLR0911  (one per operator)
    if bound == "*" or not _VERSION.fullmatch(bound):
        return True
    have, want = version_key(version), version_key(bound.removesuffix(".*"))
    numbers = [int(number) for number in bound.removesuffix(".*").split(".") if number.isdigit()]
    match operator:
        case "!=":
            return not _under(have, numbers) if bound.endswith("*") else have != want
        case "<":
            return have < want
        case "<=":
            return have <= want
        case ">":
            return have > want
        case ">=":
            return have >= want
        case "^" | "~" | "~=":
            kept = numbers[:1] if operator == "^" or len(numbers) == 1 else numbers[:-1]
            kept = numbers[:2] if operator == "~" and len(numbers) > 1 else kept
            return have >= want and _under(have, kept)
    return _under(have, numbers) if bound.endswith("*") else have == want


def _under(key: tuple[int, tuple[int, ...], bool], prefix: list[int]) -> bool:
    """Whether a version lies under a series: 23.0.1 under 23."""
    numbers = (*key[1], *[0] * len(prefix))
    return list(numbers[: len(prefix)]) == prefix
