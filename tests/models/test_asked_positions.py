"""The scores at the positions that a loss asks for are those of the whole, for less work."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from wordtrace.models.asked_positions import scores_at

transformers = pytest.importorskip("transformers")

SMALL: dict[str, Any] = {"vocab_size": 90, "pad_token_id": 0}
CONFIGS: dict[str, dict[str, Any]] = {
    "GPT2": {"n_embd": 16, "n_layer": 1, "n_head": 2, "tie_word_embeddings": True},
    "Gemma2": {
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 1,
        "head_dim": 8,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "final_logit_softcapping": 5.0,
    },
    "Llama": {
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
    },
}


def model_of(name: str) -> Any:
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**SMALL, **CONFIGS[name])
    kind = "GPT2LMHeadModel" if name == "GPT2" else f"{name}ForCausalLM"
    return getattr(transformers, kind)(config).eval()


def batch() -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    ids = torch.randint(1, 90, (3, 7), generator=torch.Generator().manual_seed(1))
    asked = torch.zeros(3, 7, dtype=torch.bool)
    asked[0, 4:6] = asked[2, 1] = asked[2, 6] = True
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, asked


def gradient(model: Any, scores: torch.Tensor) -> torch.Tensor:
    model.zero_grad()
    scores.square().sum().backward()
    found: torch.Tensor = model.get_input_embeddings().weight.grad
    return found.clone()


@pytest.mark.parametrize("name", CONFIGS)
def test_they_and_their_gradients_are_those_of_all_positions(name: str) -> None:
    model, (inputs, asked) = model_of(name), batch()
    found = scores_at(model, asked, **inputs)
    whole = model(**inputs).logits[asked]
    torch.testing.assert_close(found, whole)
    torch.testing.assert_close(gradient(model, found), gradient(model, whole))
    assert scores_at(model, torch.zeros_like(asked), **inputs).shape == (0, 90)


def test_the_head_works_for_the_asked_positions_alone() -> None:
    model, (inputs, asked) = model_of("Llama"), batch()
    seen: list[int] = []
    head = model.get_output_embeddings()
    own = head.forward
    head.forward = lambda vectors: (seen.append(vectors.shape[:2].numel()), own(vectors))[1]
    scores_at(model, asked, **inputs)
    assert seen == [4]


def test_who_listens_to_the_head_hears_all_positions() -> None:
    model, (inputs, asked) = model_of("Llama"), batch()
    heard: list[torch.Size] = []
    model.lm_head.register_forward_hook(lambda _, given, out: heard.append(out.shape))
    found = scores_at(model, asked, **inputs)
    assert heard == [(3, 7, 90)]
    assert found.shape == (4, 90)


def test_an_adapter_on_the_head_is_heeded() -> None:
    peft = pytest.importorskip("peft")
    model, (inputs, asked) = model_of("Llama"), batch()
    lora = peft.LoraConfig(r=2, target_modules=["lm_head", "q_proj"], init_lora_weights=False)
    wrapped = peft.get_peft_model(model, lora).eval()
    torch.testing.assert_close(scores_at(wrapped, asked, **inputs), wrapped(**inputs).logits[asked])
    assert not torch.allclose(
        scores_at(wrapped, asked, **inputs),
        wrapped.base_model.model.lm_head.base_layer(
            wrapped.base_model.model.model(**inputs).last_hidden_state
        )[asked],
    )


def test_a_model_that_needs_all_its_scores_gets_them() -> None:
    class Shifted(transformers.LlamaForCausalLM):  # type: ignore[misc, name-defined]
        """Its scores are counted from those of the last position of each text."""

        def forward(self, **inputs: Any) -> Any:
            found = super().forward(**inputs)
            if len(found.logits) == len(inputs["input_ids"]):
                found.logits = found.logits - found.logits[:, -1:]
            else:
                found.logits = found.logits[:, :1]
            return found

    torch.manual_seed(0)
    model = Shifted(transformers.LlamaConfig(**SMALL, **CONFIGS["Llama"])).eval()
    inputs, asked = batch()
    torch.testing.assert_close(scores_at(model, asked, **inputs), model(**inputs).logits[asked])
