"""Scores of token-difr 0.1.2 above temperature 0, by its replay on a CPU; runs in the environment of 0.1.2.

    python peer_replay_scores.py CASES.json LOGITS.npz

Standard output gets one JSON list a case: for each token [chosen token, Gumbel rank, margin].
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch


def module_alone(name: str) -> Any:
    """A module of 0.1.2 without its package, which would import transformers and the openai SDK: seconds for nothing."""
    package = importlib.util.find_spec("token_difr")
    assert package is not None
    assert package.submodule_search_locations is not None
    file = Path(package.submodule_search_locations[0], f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


common = module_alone("common")


def replayed(case: dict[str, Any], logits: torch.Tensor) -> list[tuple[int, float, float]]:
    """The three values of every token of a sequence."""
    count, width = logits.shape
    top_k = torch.full((count,), case["top_k"] or width)
    top_p = torch.full((count,), case["top_p"])
    chosen, ranks, margins = common._verify_vllm_gumbel_max(
        temperature=case["temperature"],
        seed=case["seed"],
        logits_JV=logits,
        probs_JV=common._get_probs(logits, case["temperature"], top_k, top_p),
        gold_col_idx_J=torch.tensor(case["claimed"]),
        top_k_tensor_J=top_k,
        top_p_tensor_J=top_p,
    )
    return list(zip(chosen.tolist(), ranks.tolist(), margins.tolist(), strict=True))


if __name__ == "__main__":
    cases = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    arrays = np.load(sys.argv[2])
    json.dump([replayed(case, torch.from_numpy(arrays[str(i)])) for i, case in enumerate(cases)], sys.stdout)
