from __future__ import annotations

import ast
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunitune.conf.lines import Lines
from gunitune.conf.model import Assigned, Conf, Span, World
from gunitune.conf.text import Places, decode
from gunitune.errors import GunituneError
from gunitune.fixes import (
    add_after,
    delete,
    difference,
    fix_all,
    fixed,
    rename,
    set_value,
    write_fixed,
)
from gunitune.report import Edit, Finding, Fix


def conf_of(text: str, **fields: Any) -> Conf:
    """What the reader gives for the module-level assignments of a text, as far as fixes look."""
    places = Places(text)
    found: dict[str, Assigned] = {}
    for node in ast.parse(text).body:
        for name, span in _named(node, places):
            expression = getattr(node, "value", None)
            found[name] = Assigned(
                name,
                None,
                span,
                places.of(node),
                None if expression is None else places.of(expression),
                means="augment" if isinstance(node, ast.AugAssign) else "assign",
            )
    return Conf("gunicorn.conf.py", text, settings=found, **fields)


def _named(node: ast.stmt, places: Places) -> list[tuple[str, Span]]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return [(node.name, places.name(node))]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [(item.id, places.of(item)) for item in targets if isinstance(item, ast.Name)]


def finding(fix: Fix | None) -> Finding:
    return Finding("GT1", "n", "warning", "m", "p", Span(1, 1, 1, 1), "h", fix=fix)


Maker = Callable[[Conf, Assigned], Fix | None]


def made(text: str, name: str, maker: Maker) -> str | None:
    """The text after a fix; None where there is none."""
    conf = conf_of(text)
    fix = maker(conf, conf.settings[name])
    if fix is None:
        return None
    after, done = fixed(text, [finding(fix)])
    assert done == (finding(fix),)
    return after


def deleted(text: str, name: str = "x") -> str | None:
    return made(text, name, delete)


def renamed(text: str, name: str = "x", new: str = "y") -> str | None:
    return made(text, name, lambda conf, assigned: rename(conf, assigned, new))


def with_value(text: str, value: Any, name: str = "x") -> str | None:
    return made(text, name, lambda conf, assigned: set_value(conf, assigned, value))


def added(text: str, value: Any = 1, name: str = "x", new: str = "y") -> str | None:
    return made(text, name, lambda conf, assigned: add_after(conf, assigned, new, value))


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a = 1\nx = 2  # why\nb = 3\n", "a = 1\nb = 3\n"),
        ("x = 2", ""),
        ("a = 1\nx = 2", "a = 1\n"),
        ("a = 1\r\nx = 2\r\nb = 3", "a = 1\r\nb = 3"),
        ("a = 1\rx = 2\rb = 3", "a = 1\rb = 3"),
        ("a = 1\n\nx = [\n  1,\n]\n\nb = 3\n", "a = 1\n\n\nb = 3\n"),
        ("# kept\nx: int = 2\n", "# kept\n"),
        ("é = 'é'\nx = 'é' + 'ü'  # é\né = 2\n", "é = 'é'\né = 2\n"),
        ("import os\nx = int(os.environ.get('X', '3')) * 2\n", "import os\n"),
        ("from os import environ\nx = environ.get('X', 'a').lower()\n", "from os import environ\n"),
        ("import ssl\nx = ssl.CERT_NONE if 1 else {2: -3}\n", "import ssl\n"),
        ("import os\nx = f'{os.getenv(\"PORT\")}:{1}'\n", "import os\n"),
        ("x = 1\nx = 2\n", "x = 1\n"),
        ("x = (1 +  # one\n 2)\n", None),
        ("x = 1; b = 2\n", None),
        ("b = 2; x = 1\n", None),
        ("x = 1;\n", None),
        ("x = y = 1\n", None),
        ("x, y = 1, 2\nx = a[0]\n", None),
        ("x = run()\n", None),
        ("x = os.system('x')\n", None),
        ("x = int('3')\ndef int(x): return 1\n", None),
        ("def getenv(n): return 1\nx = getenv('A')\n", None),
        ("x = os.getenv('A')\n", None),
        ("x = [a for a in b]\n", None),
        ("x = (yield_ := 3)\n", None),
        ("import os\nx = os.environ['A']\n", None),
        ("x = lambda: 1\n", None),
        ("x = 1\nb = x\n", None),
        ("x = 1\ndef f():\n    return x\n", None),
        ("x = 1\ndef f():\n    global x\n", None),
        ("x = 1\nx += 1\n", None),
        ("x = 1\ndel x\n", None),
        ("x = 1\nb = globals()\n", None),
        ("x = 1\nb = getattr(me, 'x')\n", None),
        ("from base import *\nx = 1\n", None),
        ("if a:\n    x = 1\nx = 1 if eval('3') else 2\n", None),
        ("x: int\n", None),
        ("def x():\n    pass\n", None),
        ("a = 1 \\\n\nx = 1\nif a: \\\n  b = 1\n", "a = 1 \\\n\nif a: \\\n  b = 1\n"),
    ],
)
def test_an_assignment_is_deleted_where_nothing_hangs_on_it(text: str, after: str | None) -> None:
    assert deleted(text) == after


def test_what_the_reader_could_not_see_is_left_alone() -> None:
    conf = conf_of("x = 1\ny = 2\n", dynamic="exec")
    assert delete(conf, conf.settings["x"]) is None
    assert rename(conf, conf.settings["x"], "z") is None
    assert set_value(conf, conf.settings["x"], 3) is None
    assert add_after(conf, conf.settings["x"], "z", 3) is None


def test_what_is_no_statement_of_the_module_is_left_alone() -> None:
    text = "if a:\n    x = 1\n"
    inner = Assigned(
        "x", 1, Span(2, 5, 2, 6), Span(2, 5, 2, 10), Span(2, 9, 2, 10), top_level=False
    )
    conf = Conf("p", text, settings={"x": inner})
    assert delete(conf, inner) is None
    assert rename(conf, inner, "y") is None
    assert set_value(conf, inner, 3) is None
    assert add_after(conf, inner, "y", 3) is None


def test_a_text_that_does_not_parse_has_no_fixes() -> None:
    assigned = Assigned("x", 1, Span(1, 1, 1, 2), Span(1, 1, 1, 6), Span(1, 5, 1, 6))
    conf = Conf("p", "x = 1\ny = (\n", settings={"x": assigned})
    assert delete(conf, assigned) is None
    assert rename(conf, assigned, "z") is None
    edit = Fix("t", (Edit(Span(1, 1, 1, 2), "z"),))
    assert fixed(conf.text, [finding(edit)]) == (conf.text, ())


def test_a_place_that_is_not_the_names_is_left_alone() -> None:
    conf = conf_of("x = 1\nworkers = 2\n")
    elsewhere = Assigned("x", 1, Span(2, 1, 2, 2), Span(2, 1, 2, 12))
    assert delete(conf, elsewhere) is None
    assert rename(conf, elsewhere, "y") is None
    beyond = Assigned("x", 1, Span(1, 3, 1, 4), Span(9, 1, 9, 2))
    assert delete(conf, beyond) is None
    assert rename(conf, beyond, "y") is None


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("x = 1  # why\r\nb = 2\r\n", "y = 1  # why\r\nb = 2\r\n"),
        ("a = 1; x = 1; b = 2", "a = 1; y = 1; b = 2"),
        ("x: int = 1\n", "y: int = 1\n"),
        ("def x(server):\n\tpass\n", "def y(server):\n\tpass\n"),
        ("async def x(): pass\n", "async def y(): pass\n"),
        ("a = x = 1\n", "a = y = 1\n"),
        ("'é'; x = 'é'\n", "'é'; y = 'é'\n"),
        ("x = 1\nx = 2\n", None),
        ("x = 1\nb = x\n", None),
        ("x = 1\ny = 2\n", None),
        ("x = 1\nb = y\n", None),
        ("x = 1\ndef f(y): pass\n", None),
        ("x = 1\nimport y.z\n", None),
        ("x = 1\ntry: pass\nexcept E as y: pass\n", None),
        ("x = 1\nmatch a:\n  case {'k': 1, **y}: pass\n", None),
        ("x = 1\nmatch a:\n  case [*y]: pass\n", None),
        ("x = 1\nclass y: pass\n", None),
        ("x = 1\nif a:\n    x = 3\n", None),
        ("def f():\n    x = 1\nfor x in y: pass\n", None),
        ("from a import *\nx = 1\n", None),
    ],
)
def test_a_name_is_renamed_where_it_is_bound_once_and_never_read(
    text: str, after: str | None
) -> None:
    assert renamed(text) == after


@pytest.mark.parametrize("new", ["", "1y", "class", "a b", "y = 1\nz"])
def test_a_name_is_not_renamed_to_what_is_no_name(new: str) -> None:
    assert renamed("x = 1\n", new=new) is None


def test_a_setting_of_another_world_counts_as_there() -> None:
    other = conf_of("y = 2\n")
    world = World("if A is set", ("env:A",), other.settings)
    conf = conf_of("x = 1\n", worlds=(world,))
    assert rename(conf, conf.settings["x"], "y") is None
    assert add_after(conf, conf.settings["x"], "y", 1) is None


@pytest.mark.parametrize(
    ("text", "value", "after"),
    [
        ("x = 1  # why\n", 5, "x = 5  # why\n"),
        ("x=-1", 5, "x=5"),
        ("x = ('é')\r\n", "ü", "x = ('ü')\r\n"),
        ("x: bool = True\n", False, "x: bool = False\n"),
        ("x = 1\n", None, "x = None\n"),
        ("x = 1\n", 0.5, "x = 0.5\n"),
        ("x = 1\n", "a\n\x1b'", 'x = "a\\n\\x1b\'"\n'),
        ("x = 1\n", 1, None),
        ("x = 1\n", float("inf"), None),
        ("x = 1\n", float("nan"), None),
        ("x = 1\n", [1], None),
        ("x = a\n", 1, None),
        ("x = 1 + 1\n", 1, None),
        ("x = y = 2\n", 1, None),
        ("x = 2\nb = x\n", 1, None),
        ("x = '''a\nb'''\n", 1, None),
        ("x += 2\n", 1, None),
        ("x = 2; b = 1\n", 1, None),
    ],
)
def test_a_constant_is_replaced_by_another(text: str, value: Any, after: str | None) -> None:
    assert with_value(text, value) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("x = 1  # why\nb = 2\n", "x = 1  # why\ny = 1\nb = 2\n"),
        ("x = 1\r\nb = 2\n", "x = 1\r\ny = 1\r\nb = 2\n"),
        ("a = 1\rx = 1", "a = 1\rx = 1\ry = 1"),
        ("x = 1", "x = 1\ny = 1"),
        ("x = [\n  1,\n]\n", "x = [\n  1,\n]\ny = 1\n"),
        ("x = run()\n", "x = run()\ny = 1\n"),
        ("x = 1\nx += 1\n", "x = 1\nx += 1\ny = 1\n"),
        ("x = 1;\n", None),
        ("x = 1; b = 2\n", None),
        ("x = 1\nif a:\n    y = 2\n", None),
        ("x = y\n", None),
        ("x = 1\nb = 'y'\n", None),
        ("def x(): pass\n", None),
    ],
)
def test_a_setting_is_added_below_another(text: str, after: str | None) -> None:
    assert added(text) == after


def test_a_number_that_python_does_not_write_is_not_written() -> None:
    assert with_value("x = 1\n", 10**5000) is None


@pytest.mark.parametrize("value", [[1], (), object(), float("inf"), b"x"])
def test_nothing_but_a_plain_constant_is_added(value: Any) -> None:
    assert added("x = 1\n", value) is None


def test_a_title_says_what_the_fix_does() -> None:
    conf = conf_of("x = 1\n")
    assigned = conf.settings["x"]
    fixes = [delete(conf, assigned), rename(conf, assigned, "y"), set_value(conf, assigned, 2)]
    fixes.append(add_after(conf, assigned, "z", 3))
    titles = [fix.title for fix in fixes if fix]
    assert titles == ["delete x", "rename x to y", "set x to 2", "add z = 3"]


def edit(line: int, column: int, end_line: int, end_column: int, text: str) -> Finding:
    return finding(Fix("t", (Edit(Span(line, column, end_line, end_column), text),)))


def test_of_two_fixes_that_overlap_the_first_by_position_is_made() -> None:
    text = "a = 11\nb = 2\n"
    second, first, third = edit(1, 6, 1, 7, "3"), edit(1, 5, 1, 7, "9"), edit(2, 5, 2, 6, "5")
    assert fixed(text, [second, third, first]) == ("a = 9\nb = 5\n", (first, third))
    assert fixed(text, [first, first]) == ("a = 9\nb = 2\n", (first,))


def test_neighbours_are_both_made_and_insertions_at_one_place_are_not() -> None:
    text = "a = 1\nb = 2\nc = 3\n"
    one, two = edit(1, 1, 2, 1, ""), edit(2, 1, 3, 1, "")
    assert fixed(text, [two, one]) == ("c = 3\n", (one, two))
    here, there = edit(2, 1, 2, 1, "x = 1\n"), edit(2, 1, 2, 1, "y = 1\n")
    assert fixed(text, [here, there])[1] == (here,)
    assert fixed(text, [one, here])[1] == (one,)


def test_a_fix_whose_edits_do_not_lie_in_the_text_is_dropped() -> None:
    text = "a = 1\n"
    for bad in [
        *(edit(3, 1, 3, 1, ""), edit(1, 7, 1, 7, ""), edit(0, 1, 1, 1, ""), edit(1, 0, 1, 1, "")),
        *(edit(1, 3, 1, 2, ""), finding(None), finding(Fix("t", ()))),
    ]:
        assert fixed(text, [bad]) == (text, ())
    overlapping = Fix("t", (Edit(Span(1, 1, 1, 3), "b"), Edit(Span(1, 2, 1, 4), "c")))
    assert fixed(text, [finding(overlapping)]) == (text, ())


def test_a_fix_with_two_edits_is_made_whole() -> None:
    both = finding(Fix("t", (Edit(Span(2, 1, 2, 2), "d"), Edit(Span(1, 1, 1, 2), "c"))))
    assert fixed("a = 1\nb = 2\n", [both]) == ("c = 1\nd = 2\n", (both,))


@pytest.mark.parametrize("bad", ["(", "'''", "1; b = (", "1\n)"])
def test_a_fix_after_which_the_text_does_not_parse_is_dropped_and_the_others_made(bad: str) -> None:
    text = "a = 1\nb = 2\nc = 3\nd = 4\n"
    good = [edit(1, 5, 1, 6, "8"), edit(4, 5, 4, 6, "9")]
    after, done = fixed(text, [good[0], edit(2, 5, 2, 6, bad), good[1]])
    assert after == "a = 8\nb = 2\nc = 3\nd = 9\n"
    assert done == tuple(good)


def test_a_fix_that_swallows_other_lines_is_dropped() -> None:
    text = "a = 1\nb = 2\nc = '''d'''\n"
    swallow = edit(1, 5, 1, 6, "'''")
    assert fixed(text, [swallow]) == (text, ())
    pair = edit(1, 5, 1, 6, "[1, '''"), edit(3, 8, 3, 8, "")
    assert fixed("a = 1\nb = 2\nc = ''' '''\n", [pair[0]])[1] == ()


def test_two_fixes_that_only_together_break_the_text_are_not_both_made() -> None:
    text = "a = 1\nb = 2\n"
    one, two = edit(1, 5, 1, 6, "'''\\'''"), edit(2, 5, 2, 6, "'''3'''")
    after, done = fixed(text, [one, two])
    assert (after, done) == ("a = 1\nb = '''3'''\n", (two,))
    closing = edit(1, 6, 1, 6, " + (1"), edit(2, 5, 2, 6, "2)")
    assert fixed(text, list(closing)) == (text, ())


def test_fixing_goes_on_until_nothing_is_left() -> None:
    def check(text: str) -> list[Finding]:
        conf = conf_of(text)
        return [finding(delete(conf, item)) for name, item in conf.settings.items() if name != "z"]

    text = "x = 1\ny = 2\nz = 3\n"
    after, done = fix_all(text, check)
    assert after == "z = 3\n"
    assert len(done) == 2


def test_fixing_that_goes_in_circles_or_never_ends_is_stopped() -> None:
    rounds: list[str] = []

    def circle(text: str) -> list[Finding]:
        rounds.append(text)
        return [edit(1, 5, 1, 6, "2" if text == "a = 1" else "1")]

    assert fix_all("a = 1", circle)[0] == "a = 1"
    assert rounds == ["a = 1", "a = 2"]

    after, done = fix_all("a = 1", lambda _: [edit(1, 5, 1, 5, "1")])
    assert len(done) == len(after) - len("a = 1") == 10


LINES = st.lists(
    st.sampled_from(
        [
            *("# a comment\t", "", "\x0c", "a = 'é\t'  # ü", "if a:\n    b = 1  # in", "x = 1"),
            *(
                "x = 2   #\tzwölf",
                "def post_fork(s, w):\n\tpass",
                "c = '''\n  text\n'''",
                "d = [1,\n 2]",
            ),
            *("threads = 4", "max_requests = 1000  # often", "z = '\\x1b'; y = 2", "e = (1)"),
        ]
    ),
    max_size=8,
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Small configs with line endings of one kind or mixed, with and without a last one."""
    ends = draw(st.one_of(ENDS.map(st.just), st.just(ENDS)))
    lines = [line for block in draw(LINES) for line in block.split("\n")]
    text = "".join(line + draw(ends) for line in lines)
    return text if draw(st.booleans()) else text.rstrip("\r\n")


def makers() -> list[Maker]:
    return [
        delete,
        lambda conf, assigned: rename(conf, assigned, f"{assigned.name}_new"),
        lambda conf, assigned: set_value(conf, assigned, "é"),
        lambda conf, assigned: add_after(conf, assigned, f"{assigned.name}_more", 5),
    ]


def pieces(text: str) -> list[str]:
    lines = Lines(text)
    return [lines[at] + lines.ending(at) for at in range(1, len(lines) + 1)]


@given(texts(), st.data())
def test_lines_that_no_fix_edits_stay_as_they_are(text: str, data: st.DataObject) -> None:
    conf = conf_of(text)
    fixes = [data.draw(st.sampled_from(makers()))(conf, item) for item in conf.settings.values()]
    findings = [finding(fix) for fix in fixes if fix]
    after, done = fixed(text, findings)
    touched = {
        line
        for item in done
        if item.fix
        for change in item.fix.edits
        for line in range(change.span.line, change.span.end_line + (change.span.end_column > 1))
    }
    kept = [line for at, line in enumerate(pieces(text), 1) if at not in touched and line]
    left = iter(pieces(after))
    assert all(line in left for line in kept)
    ast.parse(after)
    assert len(done) == len(findings)


@given(texts(), st.sampled_from([0, 1, 2, 3]))
def test_every_maker_does_what_it_says_or_nothing(text: str, which: int) -> None:
    conf = conf_of(text)
    for assigned in conf.settings.values():
        fix = makers()[which](conf, assigned)
        if fix is None:
            continue
        after, done = fixed(text, [finding(fix)])
        assert done
        before = [ast.dump(node) for node in ast.parse(text).body]
        now = [ast.dump(node) for node in ast.parse(after).body]
        change = {0: -1, 1: 0, 2: 0, 3: 1}[which]
        assert len(now) == len(before) + change
        assert len(set(before) - set(now)) <= 1
        assert len(set(now) - set(before)) <= (1 if change >= 0 else 0)


CASES = [
    ("a = 1\nb = 2\n", "a = 1\nb = 3\n"),
    ("a = 1\nb = 2", "a = 1\nb = 3"),
    ("a = 1", "a = 1\nb = 3"),
    ("a = 1\nb = 2", "a = 1\n"),
    ("a = 1\r\nb = 2\r\n", "a = 1\r\nb = 3\r\n"),
    ("a = 1\rb = 2\r", "a = 1\rb = 3\r"),
    ("\ufeffa = 'é'\n\x0c\nb = '\x1b\u2028'\n", "\ufeffa = 'ü'\n\x0c\nb = '\x1b\u2028'\n"),
    ("a\n" * 40 + "x\n" + "b\n" * 40 + "y", "a\n" * 40 + "z\n" + "b\n" * 40 + "q"),
    ("x = 1\n", ""),
]
TOOLS = [
    pytest.param(tool, marks=pytest.mark.skipif(not shutil.which(tool), reason=f"needs {tool}"))
    for tool in ("git", "patch")
]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", ["gunicorn.conf.py", "a b/größe.py"])
@pytest.mark.parametrize(("before", "after"), CASES)
def test_a_patch_gives_the_fixed_file(
    tmp_path: Path, tool: str, name: str, before: str, after: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(before.encode())
    patch = difference(before, after, name)
    command = ["git", "apply"] if tool == "git" else ["patch", "--binary", "-p1", "-s"]
    environ = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    subprocess.run(command, cwd=tmp_path, input=patch.encode(), check=True, timeout=60, env=environ)
    assert (path.read_bytes() if path.exists() else b"") == after.encode()


def test_a_patch_is_empty_where_nothing_changed() -> None:
    assert difference("a\n", "a\n", "p") == ""


def test_a_patch_speaks_of_paths_as_git_does() -> None:
    patch = difference("a", "b", "/srv/x y\n.py")
    assert patch.splitlines()[:2] == ["--- a/srv/x y\\n.py\t", "+++ b/srv/x y\\n.py\t"]
    assert patch.count("\\ No newline at end of file") == 2


def test_a_terminal_sees_control_characters_as_text() -> None:
    before, after = "a = '\x1b[31m'\r\nb = 1\rc = 2\t#\u202e\r\n", "a = 1\r\n"
    patch = difference(before, after, "p", terminal=True)
    assert "-a = '\\x1b[31m'\n" in patch
    assert "-b = 1\\rc = 2    #\\u202e\n" in patch
    assert all(line.isprintable() for line in patch.split("\n"))


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
@settings(max_examples=25, deadline=None)
@given(texts(), texts())
def test_a_patch_between_any_two_texts_gives_the_second(before: str, after: str) -> None:
    patch = difference(before, after, "p")
    assert (patch == "") == (before == after)
    with TemporaryDirectory() as folder:
        path = Path(folder, "p")
        path.write_bytes(before.encode())
        environ = {**os.environ, "GIT_CEILING_DIRECTORIES": str(path.parent.parent)}
        if patch:
            applied = ["git", "apply", "--whitespace=nowarn", "-"]
            subprocess.run(
                applied, cwd=folder, input=patch.encode(), check=True, timeout=60, env=environ
            )
        assert path.read_bytes() == after.encode()


ENCODED = [
    ("x = 'é'\n".encode(), "x = 'ü'\n", None),
    (b"\xef\xbb\xbf" + "x = 'é'\r\n".encode(), "x = 'ü'\r\n", None),
    (b"\xef\xbb\xbf" + "x = 'é'\r\n".encode(), "x = 'ü'\r\n", "utf-8-sig"),
    ("# coding: latin-1\nx = 'é'\n".encode("latin-1"), "# coding: latin-1\nx = 'ü'\n", None),
    ("# coding: cp1252\nx = '€'".encode("cp1252"), "# coding: cp1252\nx = ''", "cp1252"),
]


@pytest.mark.parametrize(("before", "text", "encoding"), ENCODED)
def test_a_fixed_file_keeps_encoding_mark_and_mode(
    tmp_path: Path, before: bytes, text: str, encoding: str | None
) -> None:
    path = tmp_path / "gunicorn.conf.py"
    path.write_bytes(before)
    path.chmod(0o750)
    write_fixed(path, before, text, encoding)
    after = path.read_bytes()
    assert decode(after) == text
    assert after.startswith(b"\xef\xbb\xbf") == before.startswith(b"\xef\xbb\xbf")
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_its_target_is_fixed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "conf.py").write_bytes(b"x = 1\n")
    (tmp_path / "link.py").symlink_to("real/conf.py")
    write_fixed(tmp_path / "link.py", b"x = 1\n", "x = 2\n")
    assert (tmp_path / "link.py").is_symlink()
    assert (tmp_path / "real" / "conf.py").read_bytes() == b"x = 2\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_fixed_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "conf.py"
    path.write_bytes(b"x = 1\n")
    os.chown(path, 12345, 12346)
    write_fixed(path, b"x = 1\n", "x = 2\n")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


@pytest.mark.parametrize("now", [b"x = 3\n", b"x = 1\n# more\n", b"", None])
def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path, now: bytes | None) -> None:
    path = tmp_path / "conf.py"
    if now is not None:
        path.write_bytes(now)
    with pytest.raises(GunituneError, match="changed since it was read"):
        write_fixed(path, b"x = 1\n", "x = 2\n")
    assert (path.read_bytes() if path.exists() else None) == now


def test_a_read_only_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "conf.py"
    path.write_bytes(b"x = 1\n")
    path.chmod(0o444)
    with pytest.raises(GunituneError, match="read-only"):
        write_fixed(path, b"x = 1\n", "x = 2\n")
    assert path.read_bytes() == b"x = 1\n"


def test_a_file_that_cannot_be_replaced_is_left_alone_and_nothing_is_left_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "conf.py"
    path.write_bytes(b"x = 1\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GunituneError, match="No space left"):
        write_fixed(path, b"x = 1\n", "x = 2\n")
    assert [item.read_bytes() for item in tmp_path.iterdir()] == [b"x = 1\n"]


@pytest.mark.parametrize(
    ("before", "text", "encoding"),
    [
        (b"x = '\xe9'\n", "x = 1\n", None),
        (b"# coding: latin-1\nx = 1\n", "# coding: latin-1\nx = '\u20ac'\n", None),
        (b"x = 1\n", "x = 2\n", "no-such-codec"),
        (b"x+AD0-1\n", "x = 2\n", "utf-7"),
    ],
)
def test_a_text_that_the_files_encoding_cannot_hold_is_not_written(
    tmp_path: Path, before: bytes, text: str, encoding: str | None
) -> None:
    path = tmp_path / "new\nline.py"
    path.write_bytes(before)
    with pytest.raises(GunituneError, match="can't be written as") as caught:
        write_fixed(path, before, text, encoding)
    assert caught.value.message.isprintable()
    assert path.read_bytes() == before


def test_a_text_that_is_nested_deeply_is_fixed_or_left_alone() -> None:
    text = "a = 1\nb = c" + ".d" * 950 + "\n"
    after, done = fixed(text, [edit(1, 5, 1, 6, "2")])
    assert (after == text) == (not done)
