"""Which setting somebody meant by a name that Gunicorn does not have."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from gunitune.catalog.release import flags, setting_names
from gunitune.catalog.stored import stored

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 60
SHORTEST = 4
SHORTEST_ALIAS = 8


@lru_cache(maxsize=1024)
def suggest(name: str, names: frozenset[str]) -> str | None:
    """The setting among `names` that is meant; None where none is near, or two are as near."""
    text = name.strip().lstrip("-").replace("-", "_").lower()
    if not text or len(name) > LONGEST or name in names:
        return None
    for written in (text, text.removeprefix("gunicorn_")):
        if (meant := _meanings().get(squeezed(written))) is not None:
            return meant if meant in names else None
    return _near(text, names)


@cache
def _meanings() -> Mapping[str, str]:
    """Squeezed spelling -> setting: a setting's own name wins over an alias, that over a flag."""
    found = {squeezed(flag): name for flag, name in flags().items() if flag.startswith("--")}
    found |= {squeezed(alias): name for alias, name in stored()["aliases"].items()}
    return found | {squeezed(name): name for name in setting_names()}


def squeezed(name: str) -> str:
    """A name without what people get wrong most: case, dashes and underscores."""
    return name.lower().replace("-", "").replace("_", "")


def _near(text: str, names: frozenset[str]) -> str | None:
    """The setting whose name or alias is a slip or two away, where no other one is as near."""
    counts: dict[str, int] = {}
    for spelling, name in _spellings().items():
        if name in names and _alike(text, spelling):
            count = slips(text, spelling)
            if count <= _allowed(text, spelling):
                counts[name] = min(count, counts.get(name, count))
    nearest = [name for name, count in counts.items() if count == min(counts.values())]
    return nearest[0] if len(nearest) == 1 else None


@cache
def _spellings() -> Mapping[str, str]:
    """What slips are looked for in: the settings, and those aliases that are no common words."""
    aliases = stored()["aliases"].items()
    found = {alias: name for alias, name in aliases if len(alias) >= SHORTEST_ALIAS}
    return found | {name: name for name in setting_names() if name not in stored()["exact"]}


def _alike(text: str, name: str) -> bool:
    """Whether it is worth counting: two slips change at most two letters each."""
    return abs(len(text) - len(name)) <= 4 and len(set(text) ^ set(name)) <= 5


def _allowed(text: str, name: str) -> int:
    shorter = min(len(text), len(name))
    return 0 if shorter < SHORTEST else 1 if shorter < 8 else 2


def slips(text: str, name: str) -> int:
    """The slips from one name to the other, word by word; 9 where that is too many to count.

    A slip is a letter too many, too few or changed, or two that changed places. In a word of up
    to four letters a changed letter makes another word. Where the words are set off otherwise,
    one slip is the most.
    """
    words, others = text.split("_"), name.split("_")
    if len(words) == len(others):
        return min(9, sum(_word_slips(*pair) for pair in zip(words, others, strict=True)))
    return count if (count := _distance(squeezed(text), squeezed(name))) == 1 else 9


def _word_slips(word: str, other: str) -> int:
    if abs(len(word) - len(other)) > 2:
        return 9
    count = _distance(word, other)
    least = min(len(word), len(other))
    if least <= 4 and count and len(word) == len(other) and sorted(word) != sorted(other):
        return 9
    return count if count <= (1 if least <= 5 else 2) else 9


def _distance(word: str, other: str) -> int:
    """The optimal string alignment distance."""
    before, row = [0] * (len(other) + 1), list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            change = before[j - 1] + (letter != wanted)
            best = min(before[j] + 1, row[j - 1] + 1, change)
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == wanted:
                best = min(best, earlier[j - 2] + 1)
            row.append(best)
    return row[-1]
