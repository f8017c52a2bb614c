"""Random configs in the mix of a census of 116 public ones, each with what it sets: test support.

The shares of names, settings, values and shapes are those that were counted; seeds make them the
same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

FILES = {
    "gunicorn.conf.py": 51,
    "gunicorn_config.py": 15,
    "gunicorn.py": 15,
    "gunicorn_conf.py": 13,
    "gunicorn_settings.py": 6,
    "gunicorn.config.py": 5,
    "gunicorn-prod.conf.py": 4,
    "wsgi/config.py": 4,
    "gunicorn.conf": 4,
}
OF_FILES = 116
MISSPELT = {"preload": 3, "max_request_jitter": 1, "deamon": 1, "log_level": 2, "log_file": 1,
            "logfile": 1, "debug": 3, "name": 1, "env": 1, "max_requests_lifetime": 1}  # fmt: skip
HOOKS = {"post_fork": 9, "on_starting": 7, "when_ready": 5, "pre_fork": 5, "child_exit": 5}


@dataclass(frozen=True)
class Config:
    """A config: its file's name, text, the settings it sets, and those that it alone can tell."""

    name: str
    text: str
    sets: frozenset[str]
    tells: frozenset[str]


@dataclass
class Draft:
    """A config while it is written."""

    random: Random
    imports: dict[str, None] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    sets: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)

    def use(self, *imports: str) -> None:
        self.imports.update(dict.fromkeys(imports))

    def pick(self, weighted: dict[Any, int]) -> Any:
        return self.random.choices([*weighted], weights=[*weighted.values()])[0]

    def add(self, setting: str, *lines: str) -> None:
        self.sets.add(setting)
        self.lines += lines


Shape = Callable[[Draft, str, Any], None]


def literal(draft: Draft, name: str, value: Any) -> None:
    draft.add(name, f"{name} = {value!r}")


def product(draft: Draft, name: str, value: Any) -> None:
    draft.add(name, f"{name} = {value} * {draft.random.choice([1, 2, 60])}")


def listed(draft: Draft, name: str, value: Any) -> None:
    draft.add(name, f"{name} = [{value!r}]")


def environment(draft: Draft, default: str) -> str:
    """An expression that reads a variable with a default, as people write it."""
    variable = draft.pick(
        {"PORT": 17, "LOG_LEVEL": 11, "WEB_CONCURRENCY": 8, "HOST": 4, "GUNICORN_WORKERS": 7,
         f"GUNICORN_{draft.random.randrange(100)}": 20}
    )  # fmt: skip
    form = draft.random.randrange(4)
    if form == 0:
        draft.use("from os import environ")
        return f"environ.get({variable!r}, {default})"
    if form == 1:
        draft.use("from os import getenv")
        return f"getenv({variable!r}, {default})"
    draft.use("import os")
    asked = "os.environ.get" if form == 2 else "os.getenv"
    return f"{asked}({variable!r}, {default})"


def from_environment(draft: Draft, name: str, value: Any) -> None:
    draft.add(name, f"{name} = {environment(draft, repr(str(value)))}")


def cast_environment(draft: Draft, name: str, value: Any) -> None:
    read = environment(draft, repr(str(value)))
    if isinstance(value, bool):
        draft.add(name, f"{name} = bool(int({environment(draft, repr(str(int(value))))}))")
    elif draft.random.random() < 0.3:
        draft.lines.append(f"{name}_str = {read}")
        draft.add(name, f"{name} = int({name}_str)")
    else:
        draft.add(name, f"{name} = int({read})")


def chained(draft: Draft, name: str, value: Any) -> None:
    draft.use("import os")
    draft.add(
        name,
        f'{name} = os.getenv("{name.upper()}")',
        f"if {name} is None:",
        f"    {name} = {value!r}",
        "else:",
        f"    {name} = int({name})",
    )


def alternative(draft: Draft, name: str, value: Any) -> None:
    draft.use("import os")
    draft.add(name, f'{name} = os.environ.get("{name.upper()}") or {value!r}')


def ternary(draft: Draft, name: str, value: Any) -> None:
    draft.use("import os")
    test = draft.random.choice(['"DEBUG" in os.environ', 'os.environ.get("ENV") == "dev"'])
    draft.add(name, f"{name} = 1 if {test} else {value!r}")


def membership(draft: Draft, name: str, _: Any) -> None:
    draft.use("import os")
    draft.add(name, f'{name} = "{name.upper()}" in os.environ')


def lowered(draft: Draft, name: str, value: Any) -> None:
    draft.add(name, f"{name} = {environment(draft, repr(str(value).upper()))}.lower()")


def required(draft: Draft, name: str, _: Any) -> None:
    draft.use("import os")
    variable = f"REQUIRED_{draft.random.randrange(100)}"
    read = f'os.environ["{variable}"]'
    draft.add(name, f"{name} = {draft.random.choice([read, f'int({read})'])}")
    draft.open.add(name)


def imported(draft: Draft, name: str, _: Any) -> None:
    draft.add(name, f"from project_settings import {name}")
    draft.open.add(name)


def cores(draft: Draft) -> str:
    """An expression for the cores, as people write it."""
    form = draft.random.randrange(4)
    if form == 0:
        draft.use("import os")
        return "os.cpu_count()"
    if form == 1:
        draft.use("from multiprocessing import cpu_count")
        return "cpu_count()"
    draft.use("import multiprocessing")
    return "multiprocessing.cpu_count()"


def twice_cores(draft: Draft, name: str, _: Any) -> None:
    count = cores(draft)
    form = draft.random.choice(["{} * 2 + 1", "({} * 2) + 1", "2 * {} + 1", "{} * 2"])
    draft.add(name, f"{name} = {form.format(count)}")


def few_cores(draft: Draft, name: str, _: Any) -> None:
    count = cores(draft)
    draft.add(
        name, f"{name} = {draft.random.choice(['min(2, {})', 'min([{}, 12])']).format(count)}"
    )


def environment_or_cores(draft: Draft, name: str, _: Any) -> None:
    draft.add(name, f"{name} = int({environment(draft, cores(draft) + ' * 2 + 1')})")


def five_names(draft: Draft, name: str, _: Any) -> None:
    """The widely copied chain of names around WEB_CONCURRENCY."""
    draft.use("import multiprocessing", "import os")
    draft.add(
        name,
        'workers_per_core_str = os.getenv("WORKERS_PER_CORE", "1")',
        'max_workers_str = os.getenv("MAX_WORKERS")',
        "use_max_workers = None",
        "if max_workers_str:",
        "    use_max_workers = int(max_workers_str)",
        'web_concurrency_str = os.getenv("WEB_CONCURRENCY", None)',
        "cores = multiprocessing.cpu_count()",
        "workers_per_core = float(workers_per_core_str)",
        "default_web_concurrency = workers_per_core * cores",
        "if web_concurrency_str:",
        "    web_concurrency = int(web_concurrency_str)",
        "    assert web_concurrency > 0",
        "else:",
        "    web_concurrency = max(int(default_web_concurrency), 2)",
        "    if use_max_workers:",
        "        web_concurrency = min(web_concurrency, use_max_workers)",
        f"{name} = web_concurrency",
    )


def address(draft: Draft, name: str, value: Any) -> None:
    """A bind that is put together."""
    host, _, port = str(value).partition(":")
    read = environment(draft, repr(port or "8000"))
    form = draft.random.randrange(6)
    if form == 0:
        draft.lines.append(f"port = {read}")
        draft.add(name, f'{name} = f"{host}:{{port}}"')
    elif form == 1:
        draft.add(name, f'{name} = "%s:%s" % ({host!r}, {read})')
    elif form == 2:
        draft.add(name, f'{name} = "{{}}:{{}}".format({host!r}, {read})')
    elif form == 3:
        draft.add(name, f"{name} = {host + ':'!r} + {read}")
    elif form == 4:
        draft.lines.append(f"address = {value!r}")
        draft.add(name, f"{name} = address")
    else:
        draft.lines += [f"host = {environment(draft, repr(host))}", f"port = {read}"]
        draft.add(name, f'{name} = f"{{host}}:{{port}}"')


def beside(draft: Draft, name: str, value: Any) -> None:
    """A path beside the file."""
    draft.use("import os")
    where = "os.path.dirname(os.path.abspath(__file__))"
    draft.add(name, f"{name} = os.path.join({where}, {str(value).rpartition('/')[2]!r})")


def beside_path(draft: Draft, name: str, value: Any) -> None:
    draft.use("from pathlib import Path")
    where = "Path(__file__).resolve().parent"
    draft.add(name, f"{name} = str({where} / {str(value).rpartition('/')[2]!r})")


@dataclass(frozen=True)
class Setting:
    """In how many of the files it stands, its values, and its shapes by their number."""

    files: int
    values: dict[Any, int]
    shapes: dict[Shape, int]


NUMBER = {cast_environment: 3, from_environment: 1, chained: 1}
SETTINGS: dict[str, Setting] = {
    "bind": Setting(
        94,
        {
            "0.0.0.0:8000": 13,
            "0.0.0.0:5000": 9,
            "0.0.0.0:8080": 6,
            "127.0.0.1:8000": 12,
            "unix:/run/app.sock": 8,
            ":8000": 6,
        },
        {literal: 68, listed: 5, address: 19, required: 2},
    ),
    "workers": Setting(
        97,
        {1: 16, 2: 13, 3: 10, 4: 8, 5: 5, 20: 2, 9: 1},
        {
            literal: 52,
            twice_cores: 16,
            few_cores: 2,
            cast_environment: 6,
            from_environment: 3,
            environment_or_cores: 4,
            chained: 3,
            alternative: 2,
            five_names: 2,
            ternary: 1,
            required: 5,
            imported: 1,
        },
    ),
    "timeout": Setting(
        66,
        {120: 18, 600: 7, 30: 5, 300: 5, 0: 3, 60: 9},
        {literal: 47, product: 6, cast_environment: 8, from_environment: 3, chained: 2},
    ),
    "worker_class": Setting(
        49,
        {
            "gevent": 11,
            "sync": 8,
            "uvicorn.workers.UvicornWorker": 5,
            "eventlet": 4,
            "gthread": 4,
            "app.worker.Worker": 13,
        },
        {literal: 46, from_environment: 2, alternative: 1},
    ),
    "loglevel": Setting(
        47, {"info": 25, "debug": 4, "warning": 4}, {literal: 33, from_environment: 11, lowered: 3}
    ),
    "keepalive": Setting(28, {2: 8, 5: 4, 120: 3, 86400: 2}, {literal: 18, product: 3, **NUMBER}),
    "max_requests": Setting(
        27, {1000: 13, 5000: 3, 500: 4}, {literal: 22, from_environment: 3, required: 1}
    ),
    "max_requests_jitter": Setting(
        25, {50: 10, 100: 6, 500: 3}, {literal: 23, cast_environment: 2}
    ),
    "threads": Setting(
        23, {3: 8, 2: 5, 4: 3}, {literal: 19, few_cores: 1, cast_environment: 1, required: 1}
    ),
    "preload_app": Setting(19, {True: 13, False: 5}, {literal: 18, cast_environment: 1}),
    "worker_tmp_dir": Setting(16, {"/dev/shm": 13, "/tmp": 2}, {literal: 15, from_environment: 1}),
    "graceful_timeout": Setting(15, {30: 3, 0: 3, 60: 2}, {literal: 9, cast_environment: 6}),
    "worker_connections": Setting(15, {1000: 7, 2000: 2}, {literal: 14, cast_environment: 1}),
    "reload": Setting(15, {True: 7, False: 4}, {literal: 11, membership: 3, imported: 1}),
    "forwarded_allow_ips": Setting(3, {"*": 3}, {literal: 1}),
    "accesslog": Setting(
        60, {"-": 40, "logs/access.log": 10, None: 3}, {literal: 50, beside: 4, beside_path: 1}
    ),
    "errorlog": Setting(55, {"-": 40, "logs/error.log": 10}, {literal: 50, beside: 4}),
    "access_log_format": Setting(20, {'%(h)s %(l)s "%(r)s" %(s)s %(b)s': 1}, {literal: 1}),
    "proc_name": Setting(20, {"app": 3, "web": 1}, {literal: 18, from_environment: 2}),
    "pidfile": Setting(18, {"/run/app.pid": 1, "gunicorn.pid": 1}, {literal: 15, beside: 3}),
    "daemon": Setting(12, {False: 8, True: 2}, {literal: 1}),
    "capture_output": Setting(12, {True: 1}, {literal: 1}),
    "backlog": Setting(10, {2048: 5, 512: 2}, {literal: 1}),
    "umask": Setting(5, {7: 1, 0: 2}, {literal: 1}),
    "chdir": Setting(8, {"/app": 1}, {literal: 4, beside: 2}),
    "user": Setting(6, {"www-data": 1}, {literal: 1}),
    "raw_env": Setting(4, {"DJANGO_SETTINGS_MODULE=app.settings": 1}, {listed: 1}),
}


def configs(count: int, seed: int = 0) -> Iterator[Config]:
    """Some configs; the same for the same seed."""
    for number in range(count):
        yield config(Random(f"{seed}/{number}"))


def config(random: Random) -> Config:
    """One config."""
    draft = Draft(random)
    for name in random.sample(sorted(SETTINGS), len(SETTINGS)):
        setting = SETTINGS[name]
        if random.random() < setting.files / OF_FILES:
            shape = draft.pick(setting.shapes)
            shape(draft, name, _fitting(draft, shape, setting))
    _more(draft)
    name = draft.pick(FILES)
    tells = frozenset(draft.sets - draft.open)
    return Config(name, _text(draft), frozenset(draft.sets), tells)


def _fitting(draft: Draft, shape: Shape, setting: Setting) -> Any:
    """A value of the setting's that the shape can be written with."""
    value = draft.pick(setting.values)
    if shape is address:
        return next(value for value in setting.values if ":80" in value)
    if shape in {beside, beside_path}:
        return (
            next(value for value in setting.values if value and value not in {"-", "/app"})
            if set(setting.values) != {"/app"}
            else "app"
        )
    return value


def _more(draft: Draft) -> None:
    """What is no setting: misspelt names, hooks, comments."""
    if draft.random.random() < 0.13:
        draft.lines.append(f"{draft.pick(MISSPELT)} = {draft.random.choice([True, 'info', 3])!r}")
    for hook, files in HOOKS.items():
        if draft.random.random() < files / OF_FILES:
            body = '    server.log.info("%s: worker %s", server, worker)'
            draft.add(hook, "", "", f"def {hook}(server, worker=None):", body, "", "")
    if draft.random.random() < 0.2:
        draft.lines.insert(
            0, "# " + "Worker processes, see the manual. " * draft.random.randrange(4)
        )


def _text(draft: Draft) -> str:
    head = ['"""Gunicorn configuration."""', ""] if draft.random.random() < 0.3 else []
    return "\n".join([*head, *sorted(draft.imports), "", *draft.lines, ""])
