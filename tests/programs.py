"""Random small programs of what config files are made of, for hypothesis: test support."""

from __future__ import annotations

import warnings

from hypothesis import strategies as st

NAMES = ("workers", "bind", "timeout", "threads", "keepalive")
START = """import math
import multiprocessing
import os
from os import environ as env
from pathlib import Path

n = 4
f = 2.5
s = "Info "
l = [3, 1, 2]
d = {"x": 1, "y": "z", "z": [1, 2]}
t = (1, "b", None)
q = {"a"}
"""
SUPPRESS = "from contextlib import suppress\nwith suppress(TypeError):\n"
# One per line or word; ~ is a space.
ATOMS = st.sampled_from(
    [
        text.replace("~", " ")
        for text in """
n f s l d t q None True False 0 1 2 7 -3 0.5 1e3 "" "a" "0.0.0.0" '8000' "~x,y~" "%s:%d" "{}-{}"
[] [1] {} (1,2) os.cpu_count() multiprocessing.cpu_count() len(os.sched_getaffinity(0))
os.environ.get("UNSET") os.environ.get("SET") env.get("UNSET",5) os.getenv("SET","3")
os.environ["UNSET"] env["SET"] "SET"~in~os.environ "UNSET"~not~in~env __file__ __name__
Path(__file__).parent math.pi range(4) missing
""".split()  # noqa: SIM905  (a table)
    ]
)
UNARY = ["not {}", "-{}", "+{}", "~{}"]
BINARY = [
    text.replace("~", " ")
    for text in """
+ - * / // % < <= == != > >= in is and or & | ^ not~in is~not **~2~+ <<~2~| >>~1~|
""".split()  # noqa: SIM905  (a table)
]
ONE = [
    text.replace("~", " ")
    for text in """
int({}) float({}) str({}) bool({}) len({}) abs({}) round({}) round({},1) repr({}) sum({})
sorted({}) list({}) tuple({}) any({}) all({}) max({}) min({}) list(reversed({})) set({}) dict({})
math.ceil({}) math.floor({}) math.sqrt({}) isinstance({},int) isinstance({},(str,float))
{}.strip() {}.lower() {}.upper() {}.split() {}.split(",") {}.replace("a","bc") {}.join("ab")
",".join({}) {}.startswith("a") {}.zfill(5) {}.items() list({}.items()) {}.get("x") {}.get("k",3)
{}.copy() {}[0] {}[-1] {}[1:] {}[::-1] {}["x"] {}[:2] f"{{{}}}" f"<{{{}!r:>6}}>" f"{{{}:>4}}"
f"{{{}:.2f}}" f"{{{}}}:{{n}}" "%s"%{} "%d"%{} "%s-%s"%(n,{}) "{{}}:{{}}".format({},s)
"{{0!r}}".format({}) [x~for~x~in~{}] [x*2~for~x~in~{}~if~x] {{k:1~for~k~in~{}}}
sum(x~for~x~in~{}) max({},default=1) {}.name {}.parent (lambda~x:x)({}) (lambda~x=3:x*2)({})
list(map(str,{})) list(map(int,{})) hex({}) ord({}) list(zip({},"ab")) list(enumerate({}))
os.path.join("/a",{}) os.path.dirname({}) {}.count(1) (w:={}) list(filter(None,{})) divmod({},3)
{}.index(1) {}.bit_length() os.path.basename({}) os.environ.get({}) getattr({},"name","none")
hasattr({},"lower") {}.isdigit() {}.format(1,2)
""".split()  # noqa: SIM905  (a table)
]


def _binary(parts: tuple[str, str, str]) -> str:
    return f"({parts[0]} {parts[1]} {parts[2]})"


def _expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(BINARY), inner).map(_binary),
        st.tuples(st.sampled_from(UNARY), inner).map(lambda p: f"({p[0].format(p[1])})"),
        st.tuples(st.sampled_from([o for o in ONE if o != "*{},"]), inner).map(
            lambda p: f"({p[0].format(p[1])})"
        ),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        st.lists(inner, max_size=3).map(lambda p: f"[{', '.join(p)}]"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}, *{p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"{{{p[0]}: 1, 'k': {p[1]}}}"),
        st.tuples(inner, inner, st.sampled_from(["max", "min", "os.path.join"])).map(
            lambda p: f"{p[2]}({p[0]}, {p[1]})"
        ),
    )


def _compiles(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "", "exec")
        except SyntaxError:  # quotes inside quotes, a walrus in a comprehension
            return False
    return True


expressions = st.recursive(ATOMS, _expressions, max_leaves=6).filter(_compiles)
targets = st.sampled_from([*NAMES, "n", "s", "l", "x", "y"])


def _indented(lines: list[str]) -> str:
    return "\n".join("    " + line for text in lines for line in text.split("\n"))


simple = st.one_of(
    st.tuples(targets, expressions).map(lambda p: f"{p[0]} = {p[1]}"),
    st.tuples(targets, expressions).map(lambda p: f"{p[0]}: int = {p[1]}"),
    st.tuples(targets, targets, expressions).map(lambda p: f"{p[0]} = {p[1]} = {p[2]}"),
    st.tuples(targets, st.sampled_from(["+", "-", "*", "//", "|", "%"]), expressions).map(
        lambda p: f"{p[0]} {p[1]}= {p[2]}"
    ),
    st.tuples(targets, targets, expressions, expressions).map(
        lambda p: f"{p[0]}, {p[1]} = {p[2]}, {p[3]}"
    ),
    st.tuples(targets, targets, expressions).map(lambda p: f"{p[0]}, *{p[1]} = {p[2]}"),
    st.tuples(st.sampled_from(["l", "d['z']", "workers"]), expressions).map(
        lambda p: f"{p[0]}.append({p[1]})"
    ),
    st.tuples(st.sampled_from(["d", "l", "x"]), expressions, expressions).map(
        lambda p: f"{p[0]}[{p[1]}] = {p[2]}"
    ),
    expressions.map(lambda p: f"d.update(x={p})"),
    expressions.map(lambda p: f"os.environ['SET'] = {p}"),
    expressions.map(lambda p: f"l.extend({p})"),
    targets.map(lambda p: f"del {p}"),
    expressions.map(lambda p: f"globals()['workers'] = {p}"),
    expressions.map(lambda p: f"globals().update({{'bind': {p}}})"),
    st.sampled_from(["pass", "x = y = l", "import math as y", "l.pop()", "l.insert(0, n)"]),
    st.sampled_from(["l.sort()", "l.reverse()", "d.clear()", "q.add(3)"]),
    st.tuples(targets, expressions).map(lambda p: f"{p[0]} = g({p[1]})"),
    st.tuples(targets, expressions).map(lambda p: f"{p[0]} = h(b={p[1]})"),
)  # fmt: skip


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    some = st.lists(inner, min_size=1, max_size=3).map(_indented)
    return st.one_of(
        st.tuples(expressions, some, some).map(lambda p: f"if {p[0]}:\n{p[1]}\nelse:\n{p[2]}"),
        st.tuples(expressions, some).map(lambda p: f"if {p[0]}:\n{p[1]}"),
        st.tuples(expressions, some).map(lambda p: f"for x in list({p[0]}):\n{p[1]}"),
        st.tuples(expressions, some).map(
            lambda p: f"for i in range(3):\n    if {p[0]}:\n        break\n{p[1]}\nelse:\n    y = i"
        ),
        some.map(lambda p: f"i_ = 0\nwhile i_ < 3:\n    i_ += 1\n{p}"),
        st.tuples(some, st.sampled_from(["KeyError", "(TypeError, ValueError)", "Exception"]), some)
        .map(lambda p: f"try:\n{p[0]}\nexcept {p[1]} as error:\n{p[2]}\nelse:\n    y = 1"),
        st.tuples(some, some).map(lambda p: f"try:\n{p[0]}\nexcept:\n{p[1]}\nfinally:\n    y = 2"),
        st.tuples(expressions, expressions, some).map(
            lambda p: f"def g(a, b=3, *c):\n    x = a\n    if {p[0]}:\n        return {p[1]}\n"
            f"{p[2]}\n    return (a, b)"
        ),
        some.map(lambda p: f"def h(*, b=2):\n    global threads\n    threads = b\n{p}"),
        st.tuples(expressions, some, some).map(
            lambda p: f"match {p[0]}:\n    case 1 | 'a':\n{_indented([p[1]])}\n    case None:\n"
            f"        y = 4\n    case _:\n{_indented([p[2]])}"
        ),
        st.tuples(expressions, some).map(
            lambda p: f"{SUPPRESS}    n = {p[0]}\n{p[1]}"
        ),
        expressions.map(lambda p: f"class C:\n    a = {p}\n    b = 2\ny = C.b\nkeepalive = C.a"),
    )  # fmt: skip


statements = st.recursive(simple, _compound, max_leaves=5)
programs = (
    st.lists(statements, min_size=1, max_size=6)
    .map(lambda lines: START + "\n".join(lines) + "\n")
    .filter(_compiles)
)
assignments = expressions.map(lambda text: f"{START}workers = {text}\n")
