# mypy: ignore-errors
# The text of an emitted file: it runs on the project's Python, from 3.7 on, without gunitune.
# --- from here on the file is emitted
import math
import os

# --- inputs
_KIND = "unknown"  # io, cpu, memory or unknown
_CLASS = "sync"  # the worker class of this kind of app
_CLASS_ASKED = False  # a class that was asked for is not exchanged for threads
_MASTER_BYTES = 31457280  # memory of the master, with what all share
_WORKER_BYTES = 104857600  # memory of one worker
_THREAD_BYTES = 32768  # memory of one more thread
_PRELOADED_BYTES = None  # (master with what all share, one worker) when preloaded, if measured
_MEMORY_TOLD = False  # whether the worker's memory is known, or known to be large
_MEMORY_SHARE = 0.8  # share of the memory limit to use
_IN_FLIGHT = None  # requests to hold at once, if that was asked for
_EACH = None  # processes per CPU, if waiting and computing were measured
_SPARE = 0  # one more where event loops hold what waits, on more than one CPU,
_STILL = False  # and on one too where a worker was seen to stand still
_LOOPS = False  # of asyncio: 2 * CPUs + 1, since one of few may have all connections
_KNEE = None  # threads that keep one process busy, if that was measured
_DB_SHARE = None  # database connections for this instance, if they were declared
_CONNECTIONS_AS_THREADS = False  # safe from Gunicorn 24 on
# --- end of inputs


def _read(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def _memberships():
    """{controller, or "v2" for the unified hierarchy: path of this process's cgroup}."""
    paths = {}
    for line in _read("/proc/self/cgroup").split("\n"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number.isdigit() and path.startswith("/"):
            paths.update((name or "v2", path) for name in controllers.split(","))
    return paths


def _mounts():
    """(controllers or "v2", root, mount point) of every cgroup hierarchy that is mounted."""
    mounts = []
    for line in _read("/proc/self/mountinfo").split("\n"):
        fields, _, rest = (part.split(" ") for part in line.partition(" - "))
        if len(fields) > 5 and len(rest) > 2 and rest[0] in ("cgroup", "cgroup2"):
            names = ["v2"] if rest[0] == "cgroup2" else rest[2].split(",")
            mounts.append((names, fields[3], fields[4].replace("\\040", " ")))
    # where that shows none, the places that systemd and Docker mount them at
    usual = [("v2", "unified"), ("v2", ""), ("cpu", "cpu"), ("cpu", "cpu,cpuacct")]
    usual += [("memory", "memory"), ("pids", "pids")]
    usual = [([name], "/", "/sys/fs/cgroup/" + folder) for name, folder in usual]
    mounts = [mount for mount in mounts or usual if os.path.isdir(mount[2])]
    return [(names, root.rstrip("/"), mount.rstrip("/")) for names, root, mount in mounts]


def _within(path, root):
    return (path + "/").startswith(root + "/")


def _nearest(mounts, path):
    """Of several mounts the one that shows most levels above the cgroup."""
    return min(mounts, key=lambda item: (not _within(path, item[0]), item[0].count("/")))


def _cgroup_folders():
    """(controller or "v2", folder) for every level from this process's cgroup up to the root."""
    mounts = _mounts()
    for name, path in _memberships().items():
        shown = [(root, mount) for names, root, mount in mounts if name in names]
        if shown:
            root, mount = _nearest(shown, path)
            below = (path[len(root) :] if _within(path, root) else path).rstrip("/")
            # a path with ".." is hidden by a namespace: what is mounted is the nearest then
            folder = mount if ".." in below.split("/") else mount + below
            while len(folder) > len(mount):
                yield name, folder
                folder = os.path.dirname(folder)
            yield name, mount


def _number(text):
    """A limit; infinite for "max", -1, the kernel's 2^63 less a page, and whatever else is none."""
    try:
        number = int(text)
    except ValueError:
        return math.inf
    return number if 0 < number < 2**63 - 2**20 else math.inf


def _quota(name, folder):
    """CPUs by quota / period; infinite where there is no quota."""
    words = []
    if name == "v2":
        words = _read(os.path.join(folder, "cpu.max")).split()
    elif name == "cpu":
        words = (_read(os.path.join(folder, "cpu.cfs_quota_us")) or "max").split()
        words += _read(os.path.join(folder, "cpu.cfs_period_us")).split()
    quota, period = [_number(word) for word in words + ["max", "100000"][len(words) :]][:2]
    cpus = quota / period if period < math.inf else math.inf
    return cpus if cpus >= 0.001 else math.inf  # the kernel takes no less


def _limit(folder, *files):
    return min(_number(_read(os.path.join(folder, file))) for file in files)


def _memory_limit(name, folder):
    if name == "v2":
        return _limit(folder, "memory.max", "memory.high")
    if name != "memory":
        return math.inf
    limit = _limit(folder, "memory.limit_in_bytes")
    for line in _read(os.path.join(folder, "memory.stat")).split("\n"):
        if line.startswith("hierarchical_memory_limit "):
            limit = min(limit, _number(line.split(" ")[1]))  # of a parent that is hidden
    return limit


def _cpus():
    """CPUs this process may use: the least of cores, affinity and every cgroup quota."""
    found = [os.cpu_count() or 1]
    if hasattr(os, "sched_getaffinity"):
        found.append(len(os.sched_getaffinity(0)))
    return min(found + [_quota(name, folder) for name, folder in _cgroup_folders()])


def _memory_bytes():
    """Memory this process may use: the least of physical memory and every cgroup limit."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical] + [_memory_limit(name, folder) for name, folder in _cgroup_folders()])


def _processes():
    """Processes and threads this cgroup may have; infinite where nothing limits them."""
    folders = [folder for name, folder in _cgroup_folders() if name in ("v2", "pids")]
    return min([_limit(folder, "pids.max") for folder in folders] + [math.inf])


def _floor(number):
    return math.floor(round(number, 9))


def _ceil(number):
    return math.ceil(round(number, 9))


def _workers(cpus):
    if _EACH is not None:
        needed = max(_ceil(cpus), _ceil(cpus * _EACH - 0.2))
        needed += _SPARE if cpus > 1 or _STILL else 0
        return max(needed, _floor(2 * cpus) + 1) if _LOOPS and cpus > 1 else needed
    if _KIND == "memory":
        return max(1, _ceil(cpus))
    return _floor(2 * cpus) + 1


def _threads(cpus, workers, knee):
    formula = _floor(2 * cpus) + 1
    reach = (_IN_FLIGHT or formula * 1000) if _KIND == "io" else formula
    threads = max(2, knee or _ceil(reach / workers), _ceil((_IN_FLIGHT or 0) / workers))
    return min(1000, threads)


def _plan(cpus, memory_bytes, processes=math.inf, workers=None):
    """The settings for a machine; `workers` where their number is given."""
    given, worker_class, threads, connections = workers, _CLASS, 1, 1000
    workers = given or _workers(cpus)

    # no more workers than fit into memory; threads take their place
    budget = memory_bytes * _MEMORY_SHARE
    master_bytes, worker_bytes = _MASTER_BYTES, _WORKER_BYTES
    fit = max(1, _floor((budget - master_bytes) / worker_bytes))
    preloads = worker_class not in ("gevent", "eventlet", "tornado")
    preloaded = False
    if _PRELOADED_BYTES and preloads and workers > fit:
        preloaded = _floor((budget - _PRELOADED_BYTES[0]) / _PRELOADED_BYTES[1]) > fit
    if preloaded:
        master_bytes, worker_bytes = _PRELOADED_BYTES
        fit = _floor((budget - master_bytes) / worker_bytes)
    short = given is None and workers > fit
    if worker_class == "sync" and _KIND == "unknown" and not _CLASS_ASKED:
        if (short and _MEMORY_TOLD) or (_IN_FLIGHT or 0) > workers:
            worker_class = "gthread"
    workers = fit if short else workers
    if worker_class == "gthread":
        room = (budget - master_bytes) / workers - worker_bytes
        threads = _threads(cpus, workers, _KNEE if short or _CLASS == "gthread" else None)
        if room > 0:
            threads = min(threads, max(2, _floor(room / max(_THREAD_BYTES, 1)) + 1))
    if worker_class in ("gevent", "eventlet"):
        connections = max(1000, min(20000, _ceil((_IN_FLIGHT or 0) / workers)))

    # no more requests in flight than the database has connections for
    each = {"gthread": threads, "gevent": connections, "eventlet": connections, "sync": 1}
    if _DB_SHARE and workers * each.get(worker_class, 0) > _DB_SHARE:
        workers = min(workers, _DB_SHARE)
        threads = min(threads, max(1, _floor(_DB_SHARE / workers)))
        connections = min(connections, max(1, _floor(_DB_SHARE / workers)))

    # no more processes and threads than the cgroup may have
    spare = 0.8 * processes - 2
    if workers * (threads + 1) > spare:
        workers = min(workers, max(1, _floor(spare / 2)))
        threads = min(threads, max(1, _floor(spare / workers) - 1))

    settings = {"worker_class": worker_class, "workers": workers}
    if worker_class == "gthread":
        settings["threads"] = threads
        if workers > 1 and _CONNECTIONS_AS_THREADS:
            settings.update(worker_connections=threads, keepalive=0)
        elif threads > 500:
            settings["worker_connections"] = threads + 1000
    elif worker_class in ("gevent", "eventlet"):
        settings["worker_connections"] = connections
    scarce = _MEMORY_TOLD and (short or workers * _WORKER_BYTES > 0.5 * budget)
    if preloaded or (preloads and workers > 1 and scarce):
        settings["preload_app"] = True
    return settings


def _web_concurrency():
    number = _number(os.environ.get("WEB_CONCURRENCY", ""))
    return number if number < math.inf else None


_DECISION = _plan(_cpus(), _memory_bytes(), _processes(), _web_concurrency())

worker_class = _DECISION["worker_class"]
workers = _DECISION["workers"]
threads = _DECISION.get("threads", 1)
worker_connections = _DECISION.get("worker_connections", 1000)
keepalive = _DECISION.get("keepalive", 2)
preload_app = _DECISION.get("preload_app", False)


def on_starting(server):
    server.log.info(
        "gunitune: %g CPUs, %d MiB%s: %s",
        _cpus(),
        _memory_bytes() // 1048576,
        ", WEB_CONCURRENCY=%d" % _web_concurrency() if _web_concurrency() else "",
        ", ".join("%s=%s" % item for item in sorted(_DECISION.items())),
    )


on_reload = on_starting
