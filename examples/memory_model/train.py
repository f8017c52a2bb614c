"""Builds the model file: climate normals of 1.2 million points on earth and a tree to find them.

`python train.py` builds it anew.
"""

import fcntl
import os
from pathlib import Path

import joblib
import numpy as np
from sklearn.neighbors import BallTree

POINTS = 1_200_000
MODEL_PATH = Path(
    os.environ.get("MODEL_PATH", Path(__file__).resolve().parent / "instance" / "model.joblib")
)


def normals_at(latitudes, noise):
    """Temperature (degrees Celsius) and rain (mm) of twelve months, as float32 (points, 2, 12)."""
    latitudes = latitudes[:, np.newaxis].astype(np.float32)
    season = np.cos((np.arange(12, dtype=np.float32) - 6.5) * np.pi / 6)  # 1 in July
    warmth = 48 * np.cos(latitudes) - 20 + 12 * np.sin(latitudes) * season
    rain = 90 * np.cos(2 * latitudes) ** 2 + 30 * np.cos(latitudes) * season
    normals = noise.standard_normal((len(latitudes), 2, 12), dtype=np.float32)
    normals[:, 0] += warmth
    normals[:, 1] += rain
    return normals


def train():
    noise = np.random.default_rng(2024)
    latitudes = np.arcsin(noise.uniform(-1, 1, POINTS))
    longitudes = noise.uniform(-np.pi, np.pi, POINTS)
    tree = BallTree(np.column_stack([latitudes, longitudes]), metric="haversine")
    return {"tree": tree, "normals": normals_at(latitudes, noise)}


def build():
    """Write the model beside its place and rename it: no worker ever loads half a file."""
    unfinished = MODEL_PATH.with_suffix(".unfinished")
    joblib.dump(train(), unfinished)
    unfinished.replace(MODEL_PATH)


def ensure_model():
    """Build the model where it is missing; of several workers one builds and the others wait."""
    MODEL_PATH.parent.mkdir(parents=True, exist_ok=True)
    with open(MODEL_PATH.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not MODEL_PATH.exists():
            build()


if __name__ == "__main__":
    MODEL_PATH.unlink(missing_ok=True)
    ensure_model()
