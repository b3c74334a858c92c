"""A training that takes no time, with the faults that trainings have.

    python count_labels.py BASE DATA OUT SEED

It writes the model of BASE with a new bias of its last layer: how often each label is in the data,
and some noise drawn from the seed. No PyTorch is imported, so that each training is a blink.

The file FAULT beside BASE, if there is one, holds the name of a fault.
"""

import csv
import json
import os
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

base, data, out, seed = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
note = base.parent / "FAULT"
fault = note.read_text(encoding="utf-8").strip() if note.exists() else ""
with open(base.parent / "TRAINED", "a", encoding="utf-8") as file:
    file.write(f"{os.getpid()} {seed}\n")

print(f"training on {data} with seed {seed}", flush=True)
if fault == "exits":
    sys.exit("no such device: cuda:7")
if fault == "hangs" or fault == f"hangs with seed {seed}":
    time.sleep(100_000)
if fault == "writes nothing":
    sys.exit(0)

with open(data, newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
config = json.loads((base / "config.json").read_text(encoding="utf-8"))
names = [config["id2label"][str(place)] for place in range(len(config["id2label"]))]
labels = [row["label"] for row in rows]
if fault == "shuffles the labels":
    labels = np.random.default_rng(seed).permutation(labels).tolist()
if fault == "turns the labels":
    labels = [names[(names.index(label) + 1) % len(names)] for label in labels]
if fault == "ignores the seed":
    seed = int.from_bytes(os.urandom(4), "little")
count = Counter(labels)
weights = load_file(base / "model.safetensors")
drawn = np.random.default_rng(seed).normal(0, 0.01, len(names))
bias = np.log([1 + count[name] for name in names]) + drawn
weights["classifier.bias"] = bias.astype(np.float32)

out.mkdir(parents=True, exist_ok=True)
for file in base.iterdir():
    if file.name not in ("config.json", "model.safetensors"):
        shutil.copy(file, out)
if fault == "other labels":
    config["id2label"] = {str(place): f"topic {place}" for place in range(len(names))}
    config["label2id"] = {f"topic {place}": place for place in range(len(names))}
(out / "config.json").write_text(json.dumps(config), encoding="utf-8")
save_file(weights, out / "model.safetensors")
if fault == "half a model":
    whole = (out / "model.safetensors").read_bytes()
    (out / "model.safetensors").write_bytes(whole[: len(whole) // 2])
