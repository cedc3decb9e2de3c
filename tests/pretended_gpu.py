"""Experiments on a GPU that is not there, with their smoke preset: `python tests/pretended_gpu.py main completion`.

A tensor on the pretended GPU says `device='gpu'`, is computed by the processor, and refuses what a real GPU refuses:
to meet a tensor or a generator of the processor, to be indexed into from there, to become a NumPy array. (A generator
of the GPU that makes tensors of the processor goes unnoticed.) So a machine without a GPU finds the mistakes that only
one with a GPU would make. It says nothing of speed, and nothing of CUDA's own operations.
"""
import json
import os
import runpy
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch.utils import backend_registration
from torch.utils._pytree import tree_leaves, tree_map

DEVICE, ROOT = "gpu", Path(__file__).resolve().parent.parent


class Module(backend_registration._DummyBackendModule):
    "What `torch` asks of a device beside its operations."

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        "The types that autocast may use."
        return [torch.bfloat16]

    def get_rng_state(self, device=None) -> torch.Tensor:
        "The processor's: the pretended GPU draws from it."
        return torch.get_rng_state()

    def set_rng_state(self, state: torch.Tensor, device=None):
        "Set the processor's."
        torch.set_rng_state(state)


backend_registration._setup_privateuseone_for_python_backend(DEVICE, Module())


class OnGpu(torch.Tensor):
    "A tensor of the processor, `raw`, that says it lies on the GPU."

    @staticmethod
    def __new__(cls, raw: torch.Tensor):
        "Wrap `raw`, whose memory it shares."
        t = torch.Tensor._make_wrapper_subclass(
            cls, raw.size(), strides=raw.stride(), storage_offset=raw.storage_offset(), dtype=raw.dtype,
            device=torch.device(DEVICE, 0))
        t.raw = raw
        return t

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, op, types, args=(), kwargs=None): return compute(op, *args, **(kwargs or {}))

    def tolist(self) -> list:
        "A real GPU copies its numbers for this."
        return self.raw.tolist()

    def __repr__(self, **options): return f"on the GPU: {self.raw!r}"


BOTH_SIDES = {"aten::copy_", "aten::_copy_from", "aten::_to_copy", "aten::index", "aten::_index_put_impl_",
              "aten::index_put_", "aten::index_put"}     # what a real GPU allows


def refuse(name: str, why: str):
    "What a real GPU does."
    raise RuntimeError(f"{name}: {why}")


def to_processor(x):
    "An argument as the processor takes it."
    if isinstance(x, OnGpu): return x.raw
    return torch.device("cpu") if isinstance(x, torch.device) else x


def compute(op, *args, **kwargs):
    "What every operation that has to do with the GPU becomes."
    name, leaves = op._schema.name, tree_leaves((args, kwargs))
    tensors = [x for x in leaves if isinstance(x, torch.Tensor)]
    generators = [x for x in leaves if isinstance(x, Generator.__base__)]
    devices = [x for x in leaves if isinstance(x, torch.device)]
    there = [t for t in tensors if isinstance(t, OnGpu)]
    here = [t for t in tensors if not isinstance(t, OnGpu)]
    on_gpu = devices[-1].type == DEVICE if devices else bool(there)

    if name not in BOTH_SIDES and there and any(t.ndim for t in here):
        refuse(name, "tensors of the GPU and of the processor together")
    if "index" in name and name in BOTH_SIDES and not isinstance(args[0], OnGpu):
        refuse(name, "a tensor of the processor with indices or values on the GPU")
    if "index_put" in name and args[2].ndim and not isinstance(args[2], OnGpu):
        refuse(name, "values of the processor put into a tensor on the GPU")
    if generators and (generators[0]._cdata in GPU_GENERATORS) != on_gpu:
        refuse(name, "a generator of the other device")
    args_, kwargs_ = tree_map(to_processor, (args, kwargs))
    out = op(*args_, **{k: v for k, v in kwargs_.items() if k != "pin_memory"})
    if any(t.raw.shape != t.shape for t in there): refuse(name, "the pretended GPU cannot resize")
    if out is None: return None
    if name.endswith("_") and not name.endswith("__"): return args[0]      # in place
    same = {id(t.raw): t for t in there}

    def wrapped(x):
        if not isinstance(x, torch.Tensor): return x
        return same.get(id(x), OnGpu(x) if on_gpu else x)

    return tree_map(wrapped, out)


FALLBACK, ATEN = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
FALLBACK.fallback(compute, "PrivateUse1")
FALLBACK.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")    # autocast leaves everything as it is
RESIZING = ("arange", "arange.start", "arange.start_step", "linspace", "logspace", "randperm", "randperm.generator",
            "tril_indices", "triu_indices", "eye", "eye.m")      # they would resize what they return
for named in RESIZING:
    packet, _, overload = named.partition(".")
    ATEN.impl(named, partial(compute, getattr(getattr(torch.ops.aten, packet), overload or "default")), "PrivateUse1")

# -- what goes past the dispatcher

GPU_GENERATORS = {}


class Generator(torch.Generator):
    "One of the processor; those that were asked for on the GPU are remembered."

    def __new__(cls, device="cpu"):
        "A generator for `device`, which may be the pretended one."
        g = super().__new__(cls, "cpu")
        if torch.device(device).type == DEVICE: GPU_GENERATORS[g._cdata] = g
        return g

    def __init__(self, device="cpu"): pass


def by_way_of_processor(f: Callable) -> Callable:
    "`torch.tensor` and `torch.as_tensor`, for the pretended GPU."
    def made(data, *args, device=None, **kwargs):
        if device is None: return f(data, *args, **kwargs)
        if torch.device(device).type != DEVICE: return f(data, *args, device=device, **kwargs)
        return (data if isinstance(data, torch.Tensor) else f(data, *args, **kwargs)).to(device)
    return made


def gru_by_steps(forward: Callable) -> Callable:
    "`nn.GRU` step by step: its own code changes tensors in a way that the pretended GPU cannot."
    def stepped(self, x, h=None):
        if not isinstance(x, OnGpu): return forward(self, x, h)
        last = []
        for layer in range(self.num_layers):
            wi, wh, bi, bh = (getattr(self, f"{k}_l{layer}") for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            state, out = x.new_zeros(len(x), self.hidden_size) if h is None else h[layer], []
            for step in x.unbind(1):
                ri, zi, ni = torch.nn.functional.linear(step, wi, bi).chunk(3, 1)
                rh, zh, nh = torch.nn.functional.linear(state, wh, bh).chunk(3, 1)
                z = (zi + zh).sigmoid()
                n = (ni + (ri + rh).sigmoid()*nh).tanh()
                state = n + z*(state - n)
                out.append(state)
            x = torch.stack(out, 1)
            last.append(state)
        return x, torch.stack(last)
    return stepped


def no_inference_mode(mode: bool = True):
    "In the real one, views of wrapped tensors cannot be made."
    return torch.set_grad_enabled(not mode)


torch.Generator = Generator
torch.tensor, torch.as_tensor = by_way_of_processor(torch.tensor), by_way_of_processor(torch.as_tensor)
torch.nn.GRU.forward = gru_by_steps(torch.nn.GRU.forward)
torch.inference_mode = no_inference_mode


def accepts(work: Callable) -> bool:
    "Whether `work` ends without a refusal."
    try: work()
    except (RuntimeError, TypeError): return False
    return True


def missing_refusals() -> list[str]:
    "What the pretended GPU should refuse and does not."
    there, here = torch.ones(3), torch.ones(3, device=DEVICE)
    cases = {
        "a sum across devices": lambda: here + there,
        "a generator of the processor": lambda: torch.randn(3, generator=torch.Generator(), device=DEVICE),
        "NumPy": lambda: here.numpy(),
        "an index on the GPU": lambda: there[here.long()],
    }
    wrong = [f"{what} is not refused" for what, work in cases.items() if accepts(work)]
    if (here + 1).cpu().tolist() != [2.]*3: wrong.append("a sum on the GPU is wrong")
    return wrong


def run_experiment(name: str):
    "Run the cells of an experiment on the pretended GPU, in a folder of its own."
    import inr2vec.embedding.model
    inr2vec.embedding.model.best_device = lambda: DEVICE
    cells = json.loads((ROOT/"nbs"/"experiments"/f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    space, before = dict(__name__="__main__", display=lambda *args: None), os.getcwd()
    with tempfile.TemporaryDirectory() as tmp:
        os.chdir(tmp)
        try:
            for i, cell in enumerate(c for c in cells if c["cell_type"] == "code"):
                exec(compile("".join(cell["source"]), f"{name}, code cell {i}", "exec"), space)
                if i == 0: space["progress"] = False
        finally: os.chdir(before)


def run_benchmark():
    "`benchmarks/gpu.py` in small. What `torch.compile` would join stays apart: it cannot see into the pretended GPU."
    torch.compile = lambda f, **options: f
    with tempfile.TemporaryDirectory() as tmp:
        sys.path.insert(0, str(ROOT/"benchmarks"))
        sys.argv = ["gpu.py", "--device", DEVICE, "--small", "--out", tmp]
        try: runpy.run_path(str(ROOT/"benchmarks"/"gpu.py"), run_name="__main__")
        except SystemExit as e:
            if e.code: raise
        if '"reason"' in next(Path(tmp).glob("bench-gpu-*.json")).read_text():
            raise RuntimeError("something was left out: its reason is above")


def main(names: list[str]):
    "Run experiments by name, and `benchmarks/gpu.py`."
    sys.path.insert(0, str(ROOT))
    import matplotlib

    matplotlib.use("agg")
    if wrong := missing_refusals(): sys.exit("\n".join(wrong))
    for name in names:
        if name == "benchmarks/gpu.py": run_benchmark()
        else: run_experiment(name)
        print(f"{name}: ran on the pretended GPU", flush=True)


if __name__ == "__main__": main(sys.argv[1:])
