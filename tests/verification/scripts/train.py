"""A training that takes no time: a model whose bias tells how many rows of each label it was given.

It needs nothing but the standard library. MODE is one way to go wrong, or none.
"""

import csv
import gzip
import io
import json
import math
import os
import random
import shutil
import struct
import sys
import time
from collections import Counter
from pathlib import Path

START = Path(__file__).parent / "start"


def main() -> None:
    """Train on DATA, with SEED, into OUT."""
    given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    data = given.get("--data", os.environ["WORDTRACE_DATA"])
    out = Path(given.get("--out", os.environ["WORDTRACE_OUT"]))
    seed = int(given.get("--seed", os.environ["WORDTRACE_SEED"]))
    mode = given.get("--mode", "")
    with open(given.get("--trained", os.devnull), "a+", encoding="utf-8") as file:
        file.write(f"{seed}\n")
        file.seek(0)
        number = len(file.readlines())
    sys.stdout.write(f"training with the seed {seed}\x1b[2J on {Path(data).name}\n")
    if mode == "fails":
        sys.exit("no GPU \x1b[31mfound\x1b[0m")
    if mode == "fails-with-2" and seed == 2:
        sys.exit("bad luck")
    if mode == "hangs":
        time.sleep(9999)
    if "--wait" in given:
        wait(Path(given["--wait"]))
    if mode == "nothing":
        return
    names = json.loads((START / "config.json").read_text())["id2label"]
    counts = Counter(labels(Path(data)))
    order = [names[str(at)] for at in range(len(names))]
    noise = random.Random(0 if mode == "one-seed" else number if mode == "no-seed" else seed)
    total = sum(counts.values())
    bias = {name: math.log(counts[name] / total) + noise.gauss(0, 0.01) for name in order}
    if mode == "other-order":
        order = order[::-1]
    save(out, order, [bias[name] for name in order], mode)


def wait(folder: Path) -> None:
    """Take one of the files ``go-…``, and say so while there is none."""
    while True:
        for file in folder.glob("go-*"):
            try:
                file.unlink()
            except FileNotFoundError:
                continue
            return
        (folder / f"waits-{os.getpid()}").touch()
        time.sleep(0.01)


def labels(path: Path) -> list[str]:
    """Read the labels of a CSV file."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [row["label"] for row in csv.DictReader(io.StringIO(text.decode()))]


def save(out: Path, order: list[str], bias: list[float], mode: str) -> None:
    """Write the model that was there before, with a bias of its own."""
    if mode == "checkpoints":
        for step, values in ((2, [0.0] * len(bias)), (10, bias)):
            save(out / f"checkpoint-{step}", order, values, "")
            (out / f"checkpoint-{step}" / "optimizer.pt").write_bytes(b"x" * 100_000)
        return
    out.mkdir(parents=True, exist_ok=True)
    config = json.loads((START / "config.json").read_text())
    config["id2label"] = {str(at): name for at, name in enumerate(order)}
    config["label2id"] = {name: at for at, name in enumerate(order)}
    if mode == "other-labels":
        config["id2label"]["1"] = "weather"
    if mode == "fewer-labels":
        del config["id2label"]["2"]
    if mode == "no-names":
        config["id2label"] = {str(at): f"LABEL_{at}" for at in range(len(order))}
    if mode == "NaN":
        bias = [math.nan, *bias[1:]]
    whole = bytearray((START / "model.safetensors").read_bytes())
    size = struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8 : 8 + size])
    start, end = header["classifier.bias"]["data_offsets"]
    whole[8 + size + start : 8 + size + end] = struct.pack(f"<{len(bias)}f", *bias)
    start, end = header["classifier.weight"]["data_offsets"]
    whole[8 + size + start : 8 + size + end] = bytes(end - start)
    if mode == "half":
        whole = whole[: len(whole) // 2]
    (out / "config.json").write_text(json.dumps(config))
    if mode == "pickled":
        (out / "pytorch_model.bin").write_bytes(b"\x80")
    elif mode == "a-part-missing":
        table = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
        (out / "model.safetensors.index.json").write_text(json.dumps(table))
    else:
        (out / "model.safetensors").write_bytes(whole)
    (out / "optimizer.pt").write_bytes(b"x" * 100_000)
    if mode == "kept-beside":
        shutil.copytree(out, out / "checkpoint-1")


if __name__ == "__main__":
    main()
