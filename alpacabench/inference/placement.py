"""Load a model the way its sharding mode places it: whole, split, or partitioned by DeepSpeed."""

from __future__ import annotations

from typing import Any

from alpacabench.inference.loaded import Loaded
from alpacabench.inference.loading import load
from alpacabench.inference.rank_sync import Alone, Mirrored, Together
from alpacabench.inference.spec import ModelSpec, Plan


def whole(spec: ModelSpec) -> Loaded:
    """Return the whole model on the rank's device: data parallel."""
    return load(spec)


def tensor_parallel(spec: ModelSpec) -> tuple[Loaded, Alone]:
    """Return this rank's slice of every layer, by transformers' own plan for the model."""
    from torch.distributed import get_world_size
    from transformers.distributed import DistributedConfig

    return load(spec, distributed_config=DistributedConfig(tp_size=get_world_size(), tp_plan="auto")), Mirrored()


def zero3(spec: ModelSpec, plan: Plan, cpu: bool) -> tuple[Loaded, Alone]:
    """Return the model with its parameters partitioned over the ranks; they are partitioned while they are read."""
    import deepspeed
    import torch
    from accelerate import Accelerator
    from accelerate.utils import DeepSpeedPlugin
    from transformers.integrations import HfDeepSpeedConfig

    # DeepSpeed would compile a shared-memory collective on a CPU, for a minute or more, and a worker that is killed
    # meanwhile leaves a lock behind that blocks the next one for ever. Gloo does the same work.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    plugin = DeepSpeedPlugin(hf_ds_config=_zero3_config(spec, plan))
    accelerator = Accelerator(cpu=cpu, deepspeed_plugin=plugin)
    # As long as this object lives, `from_pretrained` partitions each weight as soon as it is read.
    partitioning = HfDeepSpeedConfig(plugin.deepspeed_config)
    loaded = load(spec, low_cpu_mem_usage=False)
    del partitioning
    engine = deepspeed.initialize(model=loaded.model, config=plugin.deepspeed_config)[0]
    return Loaded(
        spec, engine.module.eval(), loaded.tokenizer, torch.device(accelerator.device), loaded.settings
    ), Together()


def _zero3_config(spec: ModelSpec, plan: Plan) -> dict[str, Any]:
    stage: dict[str, Any] = {
        "stage": 3,
        "stage3_param_persistence_threshold": 0,
        "overlap_comm": False,
        "contiguous_gradients": False,
    }
    if plan.offload == "cpu":
        stage["offload_param"] = {"device": "cpu", "pin_memory": spec.device != "cpu"}
    if plan.offload == "nvme":
        stage["offload_param"] = {"device": "nvme", "nvme_path": plan.offload_folder}
    return {
        "train_micro_batch_size_per_gpu": 1,
        "zero_optimization": stage,
        "bf16": {"enabled": spec.dtype == "bfloat16"},
        "fp16": {"enabled": spec.dtype == "float16"},
    }
