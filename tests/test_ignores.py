from __future__ import annotations

import ast
import io
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunitune.conf.lines import Lines, statements, unquoted
from gunitune.conf.model import Ignore, Span
from gunitune.ignores import FORM, MAX_RULES, apply, named, read_ignores
from gunitune.report import Finding

RULES = {
    "GT001": "unused-ignore",
    "GT201": "workers-oversubscribe-cpus",
    "GT203": "threads-without-effect",
    "GT301": "memory-does-not-fit",
    "GX1": "own-rule",
}


def one(text: str) -> Ignore:
    (found,) = read_ignores(text)
    return found


def finding(rule: str, line: int) -> Finding:
    return Finding(
        rule, RULES.get(rule, "new"), "warning", "m", "p", Span(line, 1, line, 2), "help"
    )


def test_a_comment_behind_a_setting_speaks_for_its_line() -> None:
    found = one("a = 1\nworkers = 40  # gunitune: ignore[GT203] all I/O, measured\nb = 2\n")
    assert found == Ignore(("GT203",), "all I/O, measured", Span(2, 15, 2, 58), (2,))


@pytest.mark.parametrize(
    "comment",
    [
        *("# gunitune: ignore[GT203,GT301] why", "#gunitune:ignore[ GT203 , GT301 ]why"),
        *("#   GUNITUNE :  Ignore [GT203,GT301,]  why  ", "# gunitune: ignore[GT203, GT301] - why"),
        *(
            "# gunitune: ignore[GT203,\tGT301]: why",
            "# noqa: E501  # gunitune: ignore[GT203,GT301] why",
        ),
    ],
)
def test_blanks_and_case_do_not_matter(comment: str) -> None:
    found = one(f"workers = 1  {comment}\n")
    assert found.rules == ("GT203", "GT301")
    assert found.reason == "why"
    assert found.lines == (1,)


def test_the_form_that_output_shows_is_understood() -> None:
    assert one(FORM).rules == ("GT203",)


def test_a_reason_may_hold_brackets_and_be_absent() -> None:
    assert one("# gunitune: ignore[GT203] [see] #12").reason == "[see] #12"
    assert one("# gunitune: ignore[GT203]").reason == ""


def test_two_ignores_in_a_comment_are_two() -> None:
    first, second = read_ignores("x = 1 # gunitune: ignore[GT1] a # gunitune: ignore-file[GT2] b")
    assert (first.rules, first.reason, first.lines) == (("GT1",), "a", (1,))
    assert (second.rules, second.reason, second.lines) == (("GT2",), "b", None)


@pytest.mark.parametrize(
    "said",
    [
        *("ignore", "ignore because", "ignore[]", "ignore[ , ]", "ignore[GT203", "ignore(GT203)"),
        *("ignore-all[GT203]", "noqa", "", "ignore GT203", "disable[GT203]", "ignore[[GT1]]"),
    ],
)
def test_what_is_not_understood_has_no_rules_and_says_what_it_is(said: str) -> None:
    found = one(f"x = 1  # gunitune: {said}\n")
    assert found.rules == ()
    assert found.reason == said
    assert found.lines == (1,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "workers = 3  # gunitune is good\n",
        "# by gunitune 0.2: x\n",
        'x = "# gunitune: ignore[GT203]"\n',
        "x = '''\n# gunitune: ignore[GT203]\n'''\n",
        'x = """a\\"""\n# gunitune: ignore[GT203]\n"""\n',
        "x = 'a\\\n# gunitune: ignore[GT203]'\n",
        'x = f"{a}# gunitune: ignore[GT203]"\n',
    ],
)
def test_only_comments_count(text: str) -> None:
    assert read_ignores(text) == ()


def test_a_comment_alone_speaks_for_the_next_line_that_is_code() -> None:
    text = "a = 1\n\n# gunitune: ignore[GT201] one\n# words\n\n  # gunitune: ignore[GT301]\nb = 2\n"
    assert [(item.rules, item.lines) for item in read_ignores(text)] == [
        (("GT201",), (7,)),
        (("GT301",), (7,)),
    ]


def test_a_comment_at_the_end_speaks_for_nothing() -> None:
    assert one("a = 1\n# gunitune: ignore[GT201]\n").lines == ()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_of_a_statement_speaks_for_all_of_it(end: str) -> None:
    lines = ["a = 1", "bind = [", "  '0.0.0.0:80',", "  # two", "]", "b = 2"]
    for number in range(1, 5):
        text = end.join(
            f"{line}  # gunitune: ignore[GT601]" if at == number else line
            for at, line in enumerate(lines)
        )
        assert one(text).lines == (2, 3, 4, 5)
    assert one("a = 1 + \\\n  2 # gunitune: ignore[GT1]\n").lines == (1, 2)
    assert one("# gunitune: ignore[GT1]\na = '''\n'''\n").lines == (2, 3)


def test_a_form_feed_ends_no_line() -> None:
    assert one("a = 1\n\x0cb = 2  # gunitune: ignore[GT1]\n\x0b\x85\n").lines == (2,)


@pytest.mark.parametrize(
    "broken",
    ["x = [1, 2\n", "x = '''\n", 'x = """a\n', "def f(:\n", "x = (\n  ')'\n", "  indented\n y"],
)
def test_unfinished_text_is_read_line_by_line(broken: str) -> None:
    text = f"{broken}\nworkers = 3  # gunitune: ignore[GT201] r\n'# gunitune: ignore[GT2]'\n"
    line = broken.count("\n") + 2
    assert [(item.rules, item.lines) for item in read_ignores(text)] == [(("GT201",), (line,))]


def test_a_stray_closing_bracket_does_not_matter() -> None:
    assert one("x = 1)\ny = 2  # gunitune: ignore[GT1]\n").lines == (2,)


def test_ignore_file_speaks_for_every_line_wherever_it_stands() -> None:
    assert one("a = 1\n# gunitune: ignore-file[GT1, GT2] generated\n").lines is None


@pytest.mark.parametrize(
    ("token", "ids"),
    [
        ("GT201", {"GT201"}),
        ("gt201", {"GT201"}),
        ("GT2", {"GT201", "GT203"}),
        ("GT20", {"GT201", "GT203"}),
        ("Threads-Without-Effect", {"GT203"}),
        ("threads", set()),
        ("GT", set()),
        ("G", set()),
        ("GT999", set()),
        ("GT2*", set()),
        ("GX1", {"GX1"}),
    ],
)
def test_a_token_is_an_id_a_name_or_the_beginning_of_ids(token: str, ids: set[str]) -> None:
    assert named(token, RULES) == ids


def test_an_id_that_others_begin_with_is_itself() -> None:
    assert named("GX1", {"GX1": "a", "GX10": "b"}) == {"GX1"}


def test_findings_are_parted_by_line_and_rule() -> None:
    text = (
        "workers = 9  # gunitune: ignore[GT201] measured\nthreads = 2\n"
        "# gunitune: ignore-file[GT3]\n"
    )
    found = [finding("GT201", 1), finding("GT203", 1), finding("GT201", 2), finding("GT301", 2)]
    applied = apply(found, read_ignores(text), RULES)
    assert applied.kept == (found[1], found[2])
    assert [(item.finding, item.line, item.reason) for item in applied.ignored] == [
        (found[0], 1, "measured"),
        (found[3], 3, ""),
    ]
    assert applied.unused == applied.unknown == ()


def test_each_token_that_hits_nothing_is_unused_or_unknown() -> None:
    ignore = one("x = 1  # gunitune: ignore[GT201, GT203, GT3, GT999, memory]\n")
    applied = apply([finding("GT203", 1)], [ignore], RULES)
    assert applied.unused == ((ignore, "GT201"), (ignore, "GT3"))
    assert applied.unknown == ((ignore, "GT999"), (ignore, "memory"))
    assert applied.kept == ()


def test_two_comments_that_take_back_the_same_are_both_used() -> None:
    ignores = read_ignores("# gunitune: ignore-file[GT2] a\nx = 1  # gunitune: ignore[GT201] b\n")
    applied = apply([finding("GT201", 2)], ignores, RULES)
    assert [item.reason for item in applied.ignored] == ["a"]
    assert applied.unused == ()


def test_a_rule_that_was_not_looked_at_leaves_its_comment_in_peace() -> None:
    ignore = one("x = 1  # gunitune: ignore[GT201, GT2, GT301]\n")
    assert apply([], [ignore], RULES, {"GT201", "GT301"}).unused == (
        (ignore, "GT201"),
        (ignore, "GT301"),
    )


@pytest.mark.parametrize("where", ["ignore[GT201, GT001]", "ignore[GT201, unused-ignore]"])
def test_a_comment_may_ask_to_be_left_alone(where: str) -> None:
    text = f"x = 1  # gunitune: {where}\ny = 2  # gunitune: ignore[GT203]\n"
    mine, other = read_ignores(text)
    assert apply([], [mine, other], RULES).unused == ((other, "GT203"),)
    everywhere = read_ignores(text + "# gunitune: ignore-file[GT001]\n")
    assert apply([], everywhere, RULES).unused == ()


def test_a_rule_that_only_a_finding_knows_can_be_ignored() -> None:
    ignore = one("x = 1  # gunitune: ignore[GT777]\n")
    assert apply([finding("GT777", 1)], [ignore], RULES).kept == ()


@pytest.mark.parametrize(
    "text",
    [
        "x = 1  # gunitune: ignore[GT201]\n" * (MAX_RULES + 5),
        "x = 1  # gunitune: ignore\n" * (MAX_RULES + 5),
        f"x = 1  # gunitune: ignore[GT1]\ny = 2  # gunitune: ignore[{'GT201,' * MAX_RULES}]\n",
    ],
)
def test_rules_beyond_what_anyone_would_name_are_not_heeded(text: str) -> None:
    assert 0 < sum(max(1, len(ignore.rules)) for ignore in read_ignores(text)) <= MAX_RULES


def test_a_comment_without_rules_takes_back_nothing() -> None:
    found = finding("GT201", 1)
    applied = apply([found], [one("x = 1  # gunitune: ignore\n")], RULES)
    assert applied == ((found,), (), (), ())


PIECES = st.sampled_from(
    [
        *("a = 1", "# gunitune: ignore[GT1]", "\n", "\r\n", "\r", "'''", '"""', "'", '"', "(", ")"),
        *("[", "]", "{", "}", "\\", "\\\n", " ", "\x0c", "é", ":", "if x:\n  ", "\ufeff"),
    ]
)


@given(st.lists(PIECES).map("".join))
def test_comments_are_those_that_python_sees(text: str) -> None:
    found = [
        (comment.line, comment.column, comment.text)
        for statement in statements(text)
        for comment in statement.comments
    ]
    places = Lines(text)
    assert all(places[line][column - 1 :] == said for line, column, said in found)
    assert len(read_ignores(text)) == sum(said.count("gunitune") for *_, said in found)
    source = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        ast.parse(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, ValueError, tokenize.TokenError):
        return
    assert found == [
        (token.start[0], token.start[1] + 1, token.string)
        for token in tokens
        if token.type == tokenize.COMMENT
    ]


@given(st.lists(PIECES).map("".join))
def test_statements_are_those_that_python_sees(text: str) -> None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    spans = [range(item.line, item.end_line + 1) for item in statements(text) if item.code]
    for node in tree.body:
        if isinstance(node, ast.Assign):
            assert any({node.lineno, node.end_lineno} <= set(span) for span in spans)


@given(st.text())
def test_lines_and_offsets_agree(text: str) -> None:
    lines = Lines(text)
    assert "".join(lines[at] + lines.ending(at) for at in range(1, len(lines) + 1)) == text
    for offset in range(len(text) + 1):
        line = lines.at(offset)
        column = offset - lines.start(line) + 1
        inside = column <= len(lines[line]) + 1
        assert lines.offset(line, column) == (offset if inside else None)
    assert lines.offset(0, 1) is None
    assert lines.offset(len(lines) + 1, 1) is None
    assert lines.offset(1, 0) is None


@given(st.text(st.sampled_from("\"'\\\n#a")))
def test_text_without_strings_has_no_quotes_but_empty_ones(text: str) -> None:
    assert "#" not in unquoted(text).replace("''", "")
