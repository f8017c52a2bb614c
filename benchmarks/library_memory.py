"""Measures the memory that importing a library adds to every worker.

    python benchmarks/library_memory.py --python VENV/bin/python [NAME ...]

Prints, for each library of rules/libraries (by default those with a `memory_mib`), how many MiB of
memory that no other process shares (Private_Clean + Private_Dirty of /proc/PID/smaps_rollup) an
interpreter has more than a bare one: alone, and while a second process has the same import, as a
second worker would. The latter is what `memory_mib` records, rounded. Linux only; the libraries
must be installed in the environment whose interpreter is given.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from gunitune.model import MIB
from gunitune.project.libraries import Library, load_libraries

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 300
CHILD = """
import sys
exec(sys.argv[1])
with open("/proc/self/smaps_rollup") as file:
    print(sum(int(line.split()[1]) for line in file if line.startswith("Private_")), flush=True)
sys.stdin.read()
"""
# What programs import of a package whose top-level module is lazy or nearly empty.
USED = {
    "bokeh": "import bokeh.plotting",
    "dask": "import dask.dataframe",
    "diffusers": "from diffusers import DiffusionPipeline",
    "huggingface-hub": "from huggingface_hub import InferenceClient",
    "jax": "import jax.numpy",
    "keras": "import keras.models",
    "langchain": "from langchain.chat_models import init_chat_model",
    "langgraph": "from langgraph.graph import StateGraph",
    "litellm": "from litellm import completion",
    "llama-index-core": "from llama_index.core import VectorStoreIndex",
    "matplotlib": "import matplotlib.pyplot",
    "openai": "from openai import OpenAI",
    "pillow": "import PIL.Image",
    "plotly": "import plotly.express",
    "reportlab": "from reportlab.platypus import SimpleDocTemplate",
    "scikit-image": "from skimage.filters import gaussian; from skimage.transform import resize",
    "scikit-learn": "import sklearn.ensemble, sklearn.pipeline",
    "scipy": "import scipy.stats",
    "selenium": "from selenium.webdriver import Chrome",
    "statsmodels": "import statsmodels.api",
    "tensorflow": "import tensorflow.keras",
    "transformers": "from transformers import pipeline, AutoModel",
    "ultralytics": "from ultralytics import YOLO",
}


def main() -> None:
    """Print one line per library."""
    arguments = _arguments()
    names = arguments.names or [item.name for item in load_libraries() if item.memory_bytes]
    alone_bare, beside_bare = _measure(arguments.python, "pass")
    print(f"bare interpreter: {alone_bare / 1024:.1f} MiB alone, {beside_bare / 1024:.1f} beside")
    print(f"{'library':<28}{'alone':>8}{'beside':>8}{'recorded':>10}  statement")
    for library, statement in _statements(names):
        try:
            alone, beside = _measure(arguments.python, statement)
        except (ValueError, subprocess.TimeoutExpired) as error:
            print(f"{library.name:<28}{'failed':>8}  {statement}: {error}")
            continue
        recorded = library.memory_bytes // MIB if library.memory_bytes else "-"
        extra = f"{(alone - alone_bare) / 1024:>8.0f}{(beside - beside_bare) / 1024:>8.0f}"
        print(f"{library.name:<28}{extra}{recorded:>10}  {statement}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environment")
    parser.add_argument("names", nargs="*", metavar="NAME", help="library, as pip knows it")
    return parser.parse_args()


def _statements(names: list[str]) -> Iterator[tuple[Library, str]]:
    for name in names:
        library = load_libraries().by_distribution(name)
        if library is None:
            sys.exit(f"rules/libraries says nothing of {name}")
        yield library, USED.get(library.name, f"import {library.imports[0]}")


def _measure(python: str, statement: str) -> tuple[int, int]:
    """KiB of unshared memory after the statement: alone, and beside a process that ran it too."""
    with _start(python, statement) as warm:
        _kib(warm)  # compiles, and brings the files into the page cache
    with _start(python, statement) as first:
        alone = _kib(first)
        with _start(python, statement) as second:
            return alone, _kib(second)


def _start(python: str, statement: str) -> _Interpreter:
    return _Interpreter(
        [python, "-c", CHILD, statement],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


class _Interpreter(subprocess.Popen[str]):
    def __exit__(self, *details: object) -> None:
        self.communicate(timeout=PATIENCE_S)


def _kib(process: _Interpreter) -> int:
    """Read the last line that the child prints after its import: libraries may print before."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().isdigit():
            return int(line)
    raise ValueError("the import failed")


if __name__ == "__main__":
    main()
