"""Example 3.1: a bias that training never moves, and that influence is yet all about.

A logistic model on texts of a few words each, half of them positive, every word of one label as
frequent as its mirror word of the other. The pulls on the bias are as strong as any, but cancel
exactly: it stays 0. TracIn with the bias counts these pulls for every pair of texts, so it says
that each text acts on all others; without the bias, only texts that share words act.

Run it:  python docs/examples/sparse_linear.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import spearmanr

PAIRS, WORDS, LENGTH = 100, 60, 3
STEPS, RATE = 200, 2.0


def make() -> tuple[Any, Any]:
    """Return x, shape (2·PAIRS, 2·WORDS), counts of words, and labels y of ±1.

    Text 2i+1 holds the mirror words of text 2i and has the opposite label.
    """
    generator = np.random.default_rng(0)
    x = np.zeros((2 * PAIRS, 2 * WORDS))
    for pair in range(PAIRS):
        words = generator.choice(WORDS, LENGTH, replace=False)
        x[2 * pair, words] = 1
        x[2 * pair + 1, WORDS + words] = 1
    return x, np.tile([1.0, -1.0], PAIRS)


def pulls(x: Any, y: Any, w: Any, b: float) -> Any:
    """Return ∂ℓ/∂f of each text, for ℓ = log(1 + exp(−y f)) and f = w·x + b."""
    return -y / (1 + np.exp(y * (x @ w + b)))


def train(x: Any, y: Any, weights: Any) -> tuple[list[tuple[Any, float]], Any, float]:
    """Descend from 0 by full gradients; return (w, b) before each step, and the last ones."""
    w, b = np.zeros(x.shape[1]), 0.0
    path = []
    for _ in range(STEPS):
        path.append((w, b))
        delta = pulls(x, y, w, b) * weights / len(y)
        w, b = w - RATE * delta @ x, b - RATE * delta.sum()
    return path, w, b


def main() -> dict[str, float]:
    """Print and return what the bias does, and what influence says of it."""
    x, y = make()
    whole = np.ones(len(y))
    path, w, b = train(x, y, whole)
    from_weights, from_bias = np.zeros((len(y), len(y))), np.zeros((len(y), len(y)))
    for w_c, b_c in path:
        delta = pulls(x, y, w_c, b_c)
        product = np.outer(delta, delta)
        from_weights += RATE * product * (x @ x.T)
        from_bias += RATE * product
    share = np.abs(from_bias).sum() / (np.abs(from_bias) + np.abs(from_weights)).sum()

    # What really happens to each text's logit y f when another is left out.
    effect = np.zeros((len(y), len(y)))
    before = y * (x @ w + b)
    for left_out in range(len(y)):
        keep = whole.copy()
        keep[left_out] = 0
        _, w_without, b_without = train(x, y, keep)
        effect[:, left_out] = before - y * (x @ w_without + b_without)
    others = ~np.eye(len(y), dtype=bool)
    found = {
        "bias": b,
        "largest_weight": float(np.abs(w).max()),
        "bias_share": float(share),
        "agreement_without_bias": float(spearmanr(from_weights[others], effect[others])[0]),
        "agreement_with_bias": float(
            spearmanr((from_weights + from_bias)[others], effect[others])[0]
        ),
    }
    print(f"bias after {STEPS} steps             {found['bias']:+.1e}")
    print(f"largest weight                   {found['largest_weight']:.2f}")
    print(f"share of |influence| by the bias {found['bias_share']:.0%}")
    print("rank correlation with leaving one out and training again:")
    print(f"  influence of the weights       {found['agreement_without_bias']:.2f}")
    print(f"  with the bias                  {found['agreement_with_bias']:.2f}")
    return found


if __name__ == "__main__":
    main()
