"""Adapters of peft: the merged model says what peft's own says, and so do its gradients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, fine_tune, model_of, tokenizer
from tests.oracles.weights import since
from wordtrace.errors import CorruptError, InputError
from wordtrace.models import adapters, configs, pretrained

peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")

BERT = ARCHITECTURES[0]
NAMES = make_examples(8).label_names
IDS = torch.tensor([[1, 5, 7, 9, 3, 45], [2, 6, 6, 8, 30, 44]])
VOCABULARY = 47
#: Kinds of adapters for a language model: settings, and the rows of the word table in training.
LORA = {"task_type": "CAUSAL_LM", "target_modules": ["q_proj", "v_proj"]}
TABLES = ["embed_tokens", "lm_head"]
KINDS: dict[str, tuple[str, dict[str, Any], int]] = {
    "rank-stabilised": ("LoraConfig", {**LORA, "use_rslora": True, "r": 3}, 0),
    "dora": ("LoraConfig", {**LORA, "use_dora": True}, 0),
    "pissa": ("LoraConfig", {**LORA, "init_lora_weights": "pissa"}, 0),
    "some tokens": ("LoraConfig", {**LORA, "trainable_token_indices": [5, 7]}, 0),
    "added tokens": ("LoraConfig", {**LORA, "trainable_token_indices": [45, 48]}, 49),
    "input table": ("LoraConfig", {**LORA, "modules_to_save": ["embed_tokens"]}, 0),
    "output table": ("LoraConfig", {**LORA, "modules_to_save": ["lm_head"]}, 0),
    "both tables": ("LoraConfig", {**LORA, "modules_to_save": TABLES}, 0),
    "tables tied": (
        "LoraConfig",
        {**LORA, "modules_to_save": ["embed_tokens"], "ensure_weight_tying": True},
        0,
    ),
    "grown": ("LoraConfig", LORA, 64),
    "grown and saved": ("LoraConfig", {**LORA, "modules_to_save": TABLES}, 64),
    "on the words": ("LoraConfig", {**LORA, "target_modules": ["q_proj", "embed_tokens"]}, 0),
    "on both tables": ("LoraConfig", {**LORA, "target_modules": ["q_proj", *TABLES]}, 64),
    "on the words, tied": (
        "LoraConfig",
        {**LORA, "target_modules": ["embed_tokens"], "ensure_weight_tying": True},
        0,
    ),
    "layers twice": ("LoraConfig", {**LORA, "layer_replication": [[0, 2], [1, 2]]}, 0),
    "ia3": ("IA3Config", {"task_type": "CAUSAL_LM"}, 0),
    "loha": ("LoHaConfig", LORA, 0),
    "vera": ("VeraConfig", LORA, 0),
}


def spread(model: Any) -> Any:
    """Move what is trained, as a training does, but far enough to be seen."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data.add_(torch.randn_like(parameter) * 0.2)
    return model.eval()


@pytest.fixture(scope="module", params=[False, True], ids=["untied", "tied"])
def language_model(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Path:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        intermediate_size=24,
        max_position_embeddings=40,
        tie_word_embeddings=request.param,
    )
    model = transformers.LlamaForCausalLM(config)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    folder = Path(tmp_path_factory.mktemp("base"))
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: Any) -> Path:
    folder = Path(tmp_path_factory.mktemp("classifier"))
    tokens = tokenizer("wordpiece")
    for one in (model_of(BERT, tokens, NAMES), tokens):
        one.save_pretrained(folder)
    return folder


def with_adapter(base: Path, config: Any, rows: int = 0) -> Any:
    torch.manual_seed(1)
    kind = transformers.AutoModelForSequenceClassification
    if "CausalLM" in configs.read_config(base)["architectures"][0]:
        kind = transformers.AutoModelForCausalLM
    model = kind.from_pretrained(base)
    if rows:
        model.resize_token_embeddings(rows)
    return spread(peft.get_peft_model(model, config))


def loaded(adapter: Path, base: Path) -> Any:
    config = adapters.adapted(adapter, configs.read_config(base))
    return pretrained.load(adapter, config, base).module.eval()


@pytest.mark.parametrize("name", KINDS)
def test_a_merged_adapter_says_what_peft_says(
    name: str, language_model: Path, tmp_path: Path
) -> None:
    kind, settings, rows = KINDS[name]
    model = with_adapter(language_model, getattr(peft, kind)(**settings), rows)
    model.save_pretrained(tmp_path)
    found = loaded(tmp_path, language_model)
    torch.testing.assert_close(found(IDS).logits, model(IDS).logits, atol=1e-4, rtol=1e-4)
    assert len(found.get_input_embeddings().weight) == (rows or VOCABULARY)


def test_added_rows_that_were_not_saved_are_refused(language_model: Path, tmp_path: Path) -> None:
    """peft saves the table that it changes alone, and the output layer's added rows are lost."""
    if configs.read_config(language_model)["tie_word_embeddings"]:
        pytest.skip("one table is both")
    config = peft.LoraConfig(task_type="CAUSAL_LM", target_modules=["embed_tokens"])
    with_adapter(language_model, config, 64).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"has 64 rows .* 47 in its base's, .* modules_to_save"):
        loaded(tmp_path, language_model)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("PromptTuningConfig", {"num_virtual_tokens": 3}),
        ("PromptEncoderConfig", {"num_virtual_tokens": 3, "encoder_hidden_size": 8}),
        ("PrefixTuningConfig", {"num_virtual_tokens": 3}),
    ],
)
def test_what_changes_no_weights_is_refused_by_its_kind(
    kind: str, settings: dict[str, Any], classifier: Path, tmp_path: Path
) -> None:
    config = getattr(peft, kind)(task_type="SEQ_CLS", **settings)
    model = with_adapter(classifier, config)
    try:
        train(model, tmp_path / "out")
    except ValueError as error:  # not with every pair of versions
        if "does not support past key values" not in str(error):
            raise
        pytest.skip(f"peft itself refuses it: {error}")
    message = rf"was trained as {config.peft_type.value}, .* such as LoRA, DoRA and IA3, are traced"
    with pytest.raises(InputError, match=message):
        wt.record(tmp_path / "out", make_examples(16), tmp_path / "run", max_length=24)


def test_what_peft_cannot_merge_is_refused(language_model: Path, tmp_path: Path) -> None:
    config = peft.LoraConfig(**LORA, alora_invocation_tokens=[5])
    with_adapter(language_model, config).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"trained as LORA, which peft can't merge .* \(aLoRA"):
        loaded(tmp_path, language_model)


def test_an_adapter_of_another_base_is_told(language_model: Path, tmp_path: Path) -> None:
    """peft loads what fits, and leaves the other layers as they are with a warning."""
    with_adapter(language_model, peft.LoraConfig(**LORA)).save_pretrained(tmp_path / "adapter")
    settings = transformers.AutoConfig.from_pretrained(language_model)
    settings.num_hidden_layers = 3
    transformers.LlamaForCausalLM(settings).save_pretrained(tmp_path / "deeper")
    with pytest.raises(CorruptError, match=r"lacks weights for some of the layers .* by base"):
        loaded(tmp_path / "adapter", tmp_path / "deeper")


def test_an_adapter_that_diverged_is_told(language_model: Path, tmp_path: Path) -> None:
    model = with_adapter(language_model, peft.LoraConfig(**LORA))
    next(one for one in model.parameters() if one.requires_grad).data.fill_(float("nan"))
    model.save_pretrained(tmp_path)
    with pytest.raises(CorruptError, match="NaN"):
        loaded(tmp_path, language_model)


def train(model: Any, folder: Path, **arguments: Any) -> Any:
    return fine_tune(
        BERT,
        folder,
        make_examples(16),
        model=model,
        **{"num_train_epochs": 1, "save_steps": 1, **arguments},
    )


def products(model: Any, texts: list[str], labels: list[int], run: Any) -> np.ndarray[Any, Any]:
    """Products of gradients at the output of peft's own word embedding, of each query and row."""
    tokens = tokenizer("wordpiece")

    def gradients(text: str, label: int) -> dict[int, torch.Tensor]:
        given = tokens(text, truncation=True, max_length=24, return_tensors="pt")
        held: list[torch.Tensor] = []
        table = model.get_input_embeddings()
        handle = table.register_forward_hook(
            lambda module, inputs, output: held.append(output.requires_grad_())
        )
        loss = model(**given, labels=torch.tensor([label])).loss
        handle.remove()
        (found,) = torch.autograd.grad(loss, held)
        summed: dict[int, torch.Tensor] = {}
        for token, one in zip(given["input_ids"][0].tolist(), found[0], strict=True):
            summed[token] = summed.get(token, torch.zeros(())) + one
        return summed

    rows = [
        gradients(text, label)
        for text, label in zip(run.train.texts, run.train.labels.tolist(), strict=True)
    ]
    asked = [gradients(text, label) for text, label in zip(texts, labels, strict=True)]
    return np.array(
        [[sum(float(q[w] @ x[w]) for w in q.keys() & x.keys()) for x in rows] for q in asked]
    )


TRAINED: dict[str, Callable[[], Any]] = {
    "lora": lambda: peft.LoraConfig(task_type="SEQ_CLS", r=4, target_modules=["query", "value"]),
    "dora on the words": lambda: peft.LoraConfig(
        task_type="SEQ_CLS", r=4, use_rslora=True, target_modules=["query", "word_embeddings"]
    ),
    "words saved": lambda: peft.LoraConfig(
        task_type="SEQ_CLS",
        r=4,
        use_dora=True,
        target_modules=["query"],
        modules_to_save=["word_embeddings"],
    ),
}


@pytest.mark.parametrize("name", TRAINED)
def test_scores_of_a_trained_adapter_are_those_of_pefts_own_gradients(
    name: str, classifier: Path, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    base = transformers.AutoModelForSequenceClassification.from_pretrained(classifier)
    model = peft.get_peft_model(base, TRAINED[name]())
    trainer = train(model, tmp_path / "out", learning_rate=3e-2)
    run = wt.record(
        tmp_path / "out",
        make_examples(16),
        tmp_path / "run",
        max_length=24,
        label_names=NAMES,
        checkpoints=(2,),
    )
    (point,) = run.checkpoints
    texts = ["the striker of the market", "a drama with a coach"]
    expected = products(trainer.model.eval(), texts, [2, 0], run) * since(run, point)
    found = wt.influence(run, texts, "tracin-we", label=[NAMES[2], NAMES[0]])
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(found / scale, expected / scale, atol=2e-5)
    frozen = "embeddings were frozen" in " ".join(run.manifest.notes or ())
    assert frozen == (name == "lora")


def test_a_head_that_is_the_bases_own_is_used_as_it_is(classifier: Path, tmp_path: Path) -> None:
    base = transformers.AutoModelForSequenceClassification.from_pretrained(classifier)
    config = peft.LoraConfig(target_modules=["query", "value"], modules_to_save=[])
    trainer = train(peft.get_peft_model(base, config), tmp_path / "out", learning_rate=3e-2)
    run = wt.record(tmp_path / "out", make_examples(16), tmp_path / "run", max_length=24)
    assert run.label_names == NAMES
    given = tokenizer("wordpiece")(["the striker"], return_tensors="pt")
    expected = trainer.model.eval()(**given).logits.softmax(1)[0].detach().numpy()
    np.testing.assert_allclose(run.predict(["the striker"])[0], expected, atol=1e-5)


def test_without_any_head_an_adapter_is_refused(classifier: Path, tmp_path: Path) -> None:
    base = transformers.AutoModel.from_pretrained(classifier)
    base.save_pretrained(tmp_path / "base")
    model = peft.get_peft_model(base, peft.LoraConfig(target_modules=["query"]))
    model.save_pretrained(tmp_path / "adapter")
    with pytest.raises(InputError, match="holds no classification head, and its base, BertModel"):
        loaded(tmp_path / "adapter", tmp_path / "base")


def test_a_named_adapter_is_found_in_its_folder(classifier: Path, tmp_path: Path) -> None:
    base = transformers.AutoModelForSequenceClassification.from_pretrained(classifier)
    config = peft.LoraConfig(task_type="SEQ_CLS", target_modules=["query", "value"])
    model = peft.get_peft_model(base, config, adapter_name="tuned")
    trainer = train(model, tmp_path / "out", learning_rate=3e-2)
    assert (tmp_path / "out" / "checkpoint-2" / "tuned" / "adapter_config.json").is_file()
    run = wt.record(
        tmp_path / "out", make_examples(16), tmp_path / "run", max_length=24, label_names=NAMES
    )
    given = tokenizer("wordpiece")(["the striker"], return_tensors="pt")
    expected = trainer.model.eval()(**given).logits.softmax(1)[0].detach().numpy()
    np.testing.assert_allclose(run.predict(["the striker"])[0], expected, atol=1e-5)


def test_of_several_adapters_the_one_that_changed_is_traced(
    classifier: Path, tmp_path: Path
) -> None:
    base = transformers.AutoModelForSequenceClassification.from_pretrained(classifier)
    config = peft.LoraConfig(task_type="SEQ_CLS", target_modules=["query", "value"])
    model = peft.get_peft_model(base, config)
    model.add_adapter("reference", config)
    trainer = train(model, tmp_path / "out", learning_rate=3e-2)
    run = wt.record(
        tmp_path / "out", make_examples(16), tmp_path / "run", max_length=24, label_names=NAMES
    )
    assert "(default, reference) default alone changed" in " ".join(run.manifest.notes or ())
    given = tokenizer("wordpiece")(["the striker"], return_tensors="pt")
    expected = trainer.model.eval()(**given).logits.softmax(1)[0].detach().numpy()
    np.testing.assert_allclose(run.predict(["the striker"])[0], expected, atol=1e-5)
    with pytest.raises(InputError, match=r"several adapters \(default, reference\), .* one alone"):
        wt.record(
            tmp_path / "out" / "checkpoint-2",
            make_examples(16),
            tmp_path / "other",
            max_length=24,
            label_names=NAMES,
        )
