"""The documentation's build: Sphinx, MyST and Furo; nothing is fetched from a network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import wordtrace

project = "wordtrace"
author = "The wordtrace authors"
copyright = author
version = release = wordtrace.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"wordtrace {release}"
html_copy_source = False

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
napoleon_use_rtype = False
python_display_short_literal_types = True
python_maximum_signature_line_length = 88
add_module_names = False


def write_help(app: Any) -> None:
    """Write what ``wordtrace VERB --help`` says, for the command line's reference to include."""
    from wordtrace.cli.main import app as command

    folder = Path(app.srcdir) / "_build" / "cli"
    folder.mkdir(parents=True, exist_ok=True)
    page = (Path(app.srcdir) / "reference" / "cli.md").read_text(encoding="utf-8")
    environment = os.environ | {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    for name in ["", *(verb.name or "" for verb in command.registered_commands)]:
        arguments = [name, "--help"] if name else ["--help"]
        said = subprocess.run(
            [sys.executable, "-m", "wordtrace", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        file = folder / f"{name or 'wordtrace'}.txt"
        if f"/cli/{file.name}" not in page:
            raise RuntimeError(f"reference/cli.md lacks the verb {name!r}: include {file.name}.")
        if not file.exists() or file.read_text(encoding="utf-8") != said:
            file.write_text(said, encoding="utf-8")


#: The test that shows each measure right, in tests/measures: the build fails where one is missing.
PROOFS = {
    "tracin-we": "test_scores_equal_dense_gradients",
    "tracin-we-topk": "test_scores_equal_dense_gradients",
    "tracin-we-syn": "test_synonyms_against_an_assignment_for_every_pair",
    "tracin-we-noc": "test_noc_leaves_out_special_and_frequent_tokens",
    "tracin-common": "test_tracin_we_is_common_and_the_rest",
    "tracin-first": "test_scores_equal_full_gradients",
    "tracin-second": "test_scores_equal_full_gradients",
    "tracin-third": "test_scores_equal_full_gradients",
    "tracin-last": "test_scores_equal_full_gradients",
    "tracin-all": "test_captum_agrees_on_all_layers",
    "influence-last": "test_influence_on_the_last_layer_against_autograds_hessian",
    "representer": "test_representer_points_sum_to_the_fitted_logit",
    "tracin-tfidf": "test_tfidf_times_the_loss_gradients",
    "loss-saliency": "test_the_parts_multiply_to_tracin_last",
    "similarity": "test_similarity_carries_the_labels_agreement",
    "embedding-similarity": "test_embedding_similarity_is_a_cosine_of_means",
    "bm25": "test_bm25_ranks_by_shared_rare_words_with_the_labels_sign",
    "random": "test_random_is_seeded",
    "tracin:LAYER,…": "test_every_kind_of_layer_with_and_without_bias",
    "influence:LAYER": "test_influence_on_a_layer_against_an_explicit_gauss_newton_matrix",
}


def write_measures(app: Any) -> None:
    """Write the table of measures as the code describes them, each with the test that proves it."""
    from wordtrace.measures.catalogue import measures

    tests = Path(app.srcdir).parent / "tests" / "measures"
    written = {path.name: path.read_text(encoding="utf-8") for path in tests.glob("test_*.py")}
    lines = [
        "| name | equation | needs | cost | by word | shown right by |",
        "|---|---|---|---|---|---|",
    ]
    for one in measures()["measures"]:
        if one["name"].endswith("+bias"):
            continue
        test = PROOFS[one["name"]]
        (file,) = [name for name, text in written.items() if f"def {test}(" in text]
        by_word = "yes" if one["by_word"] else "no"
        cells = [f"`{one['name']}`", one["equation"], one["needs"], one["cost"], by_word]
        lines.append(f"| {' | '.join(cells)} | `{file}`: `{test}` |")
    target = Path(app.srcdir) / "_build" / "measures.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")


def setup(app: Any) -> None:
    """Connect the hooks to the build."""
    app.connect("builder-inited", write_help)
    app.connect("builder-inited", write_measures)
