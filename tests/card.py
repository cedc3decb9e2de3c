"""Experiments on a card that is not there: `python tests/card.py main completion` runs the cells of experiments with their smoke preset on it.

A tensor on the pretended card says `device='card'`, is computed by the processor, and refuses what a real card refuses: to meet a tensor or a generator of the processor, to be indexed
into from there, to become a NumPy array. (A generator of the card that makes tensors of the processor goes unnoticed.) So a machine without a card finds the mistakes that only one with a card would make. It says nothing of speed, and of CUDA's own operations.
"""
import json, os, runpy, sys, tempfile
from pathlib import Path

import torch
from torch.utils import backend_registration
from torch.utils._pytree import tree_leaves, tree_map

DEVICE, ROOT = "card", Path(__file__).resolve().parent.parent

class Module(backend_registration._DummyBackendModule):
    "What `torch` asks of a device beside its operations."
    def get_amp_supported_dtype(self): return [torch.bfloat16]
    def get_rng_state(self, device=None): return torch.get_rng_state()
    def set_rng_state(self, state, device=None): torch.set_rng_state(state)
backend_registration._setup_privateuseone_for_python_backend(DEVICE, Module())

class OnCard(torch.Tensor):
    "A tensor of the processor, `raw`, that says it lies on the card."
    @staticmethod
    def __new__(cls, raw):
        t = torch.Tensor._make_wrapper_subclass(
            cls,
            raw.size(),
            strides=raw.stride(),
            storage_offset=raw.storage_offset(),
            dtype=raw.dtype,
            device=torch.device(DEVICE, 0),
        )
        t.raw = raw
        return t
    __torch_function__ = torch._C._disabled_torch_function_impl
    @classmethod
    def __torch_dispatch__(cls, op, types, args=(), kwargs=None): return compute(op, *args, **(kwargs or {}))
    def tolist(self): return self.raw.tolist()
    def __repr__(self, **options): return f"on the card: {self.raw!r}"

BOTH_SIDES = {
    "aten::copy_",
    "aten::_copy_from",
    "aten::_to_copy",
    "aten::index",
    "aten::_index_put_impl_",
    "aten::index_put_",
    "aten::index_put",
}  # which a real card allows


def compute(op, *args, **kwargs):
    "What every operation that has to do with the card becomes."
    name, leaves = op._schema.name, tree_leaves((args, kwargs))
    tensors, generators, devices = (
        [x for x in leaves if isinstance(x, kind)] for kind in (torch.Tensor, Generator.__base__, torch.device)
    )
    here, there = ([t for t in tensors if isinstance(t, OnCard) == card] for card in (True, False))
    on_card = devices[-1].type == DEVICE if devices else bool(here)
    def refuse(why): raise RuntimeError(f"{name}: {why}")

    if name not in BOTH_SIDES and here and any(t.ndim for t in there):
        refuse("tensors of the card and of the processor together")
    if "index" in name and name in BOTH_SIDES and not isinstance(args[0], OnCard):
        refuse("a tensor of the processor with indices or values on the card")
    if "index_put" in name and args[2].ndim and not isinstance(args[2], OnCard):
        refuse("values of the processor put into a tensor on the card")
    if generators and (generators[0]._cdata in CARD_GENERATORS) != on_card: refuse("a generator of the other device")
    args_, kwargs_ = tree_map(
        lambda x: x.raw if isinstance(x, OnCard) else torch.device("cpu") if isinstance(x, torch.device) else x,
        (args, kwargs),
    )
    out = op(*args_, **{k: v for k, v in kwargs_.items() if k != "pin_memory"})
    if any(t.raw.shape != t.shape for t in here): refuse("the pretended card cannot resize")
    if out is None: return None
    if name.endswith("_") and not name.endswith("__"): return args[0]      # in place
    same = {id(t.raw): t for t in here}
    return tree_map(lambda x: same.get(id(x), OnCard(x) if on_card else x) if isinstance(x, torch.Tensor) else x, out)

FALLBACK, ATEN = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
FALLBACK.fallback(compute, "PrivateUse1")
FALLBACK.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")    # autocast leaves everything as it is
for named in (
    "arange",
    "arange.start",
    "arange.start_step",
    "linspace",
    "logspace",
    "randperm",
    "randperm.generator",
    "tril_indices",
    "triu_indices",
    "eye",
    "eye.m",
):  # they would resize what they return
    packet, _, overload = named.partition(".")
    ATEN.impl(
        named,
        lambda *args, op=getattr(getattr(torch.ops.aten, packet), overload or "default"), **kwargs: compute(
            op, *args, **kwargs
        ),
        "PrivateUse1",
    )

# -- what goes past the dispatcher

CARD_GENERATORS = {}
class Generator(torch.Generator):
    "One of the processor; those that were asked for on the card are remembered."
    def __new__(cls, device="cpu"):
        g = super().__new__(cls, "cpu")
        if torch.device(device).type == DEVICE: CARD_GENERATORS[g._cdata] = g
        return g
    def __init__(self, device="cpu"): pass

def made(f):
    "`torch.tensor` and `torch.as_tensor`, by way of the processor."
    def of(data, *args, device=None, **kwargs):
        if device is None or torch.device(device).type != DEVICE:
            return f(data, *args, **({} if device is None else dict(device=device)), **kwargs)
        return (data if isinstance(data, torch.Tensor) else f(data, *args, **kwargs)).to(device)
    return of

def gru(forward):
    "`nn.GRU` step by step: its own code changes tensors in a way that the pretended card cannot."
    def of(self, x, h=None):
        if not isinstance(x, OnCard): return forward(self, x, h)
        last = []
        for layer in range(self.num_layers):
            wi, wh, bi, bh = (getattr(self, f"{k}_l{layer}") for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            state, out = x.new_zeros(len(x), self.hidden_size) if h is None else h[layer], []
            for step in x.unbind(1):
                (ri, zi, ni), (rh, zh, nh) = (
                    torch.nn.functional.linear(step, wi, bi).chunk(3, 1),
                    torch.nn.functional.linear(state, wh, bh).chunk(3, 1),
                )
                z = (zi + zh).sigmoid()
                n = (ni + (ri + rh).sigmoid() * nh).tanh()
                state = n + z * (state - n)
                out.append(state)
            x = torch.stack(out, 1)
            last.append(state)
        return x, torch.stack(last)
    return of

torch.Generator, torch.tensor, torch.as_tensor, torch.nn.GRU.forward = (
    Generator,
    made(torch.tensor),
    made(torch.as_tensor),
    gru(torch.nn.GRU.forward),
)
torch.inference_mode = lambda mode=True: torch.set_grad_enabled(
    not mode
)  # in the real one, views of wrapped tensors cannot be made


def refusals() -> list[str]:
    "What the pretended card should refuse and does not."
    there, here = torch.ones(3), torch.ones(3, device=DEVICE)
    cases = {
        "a sum across devices": lambda: here + there,
        "a generator of the processor": lambda: torch.randn(3, generator=torch.Generator(), device=DEVICE),
        "NumPy": lambda: here.numpy(),
        "an index on the card": lambda: there[here.long()],
    }
    def accepts(f):
        try:
            f()
            return True
        except (RuntimeError, TypeError):
            return False

    return [f"{what} is not refused" for what, f in cases.items() if accepts(f)] + ["a sum on the card is wrong"] * (
        (here + 1).cpu().tolist() != [2.0] * 3
    )

def experiment(name: str):
    "The cells of an experiment, on the card; in a folder of its own."
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

def benchmark():
    "`benchmarks/gpu.py` in small. What `torch.compile` would join stays apart: it cannot see into the pretended card."
    import inr2vec.inrs.fitting, inr2vec.inrs.fused_ops
    inr2vec.inrs.fitting.fused_waves = lambda: (inr2vec.inrs.fused_ops._waves, inr2vec.inrs.fused_ops._fold)
    with tempfile.TemporaryDirectory() as tmp:
        sys.path.insert(0, str(ROOT / "benchmarks"))
        sys.argv = ["gpu.py", "--device", DEVICE, "--small", "--out", tmp]
        try: runpy.run_path(str(ROOT/"benchmarks"/"gpu.py"), run_name="__main__")
        except SystemExit as e:
            if e.code: raise
        if '"reason"' in next(Path(tmp).glob("bench-gpu-*.json")).read_text():
            raise RuntimeError("something was left out: its reason is above")

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    import matplotlib

    matplotlib.use("agg")
    if wrong := refusals(): sys.exit("\n".join(wrong))
    for name in sys.argv[1:]:     # experiments, and benchmarks/gpu.py
        benchmark() if name == "benchmarks/gpu.py" else experiment(name)
        print(f"{name}: ran on the pretended card", flush=True)
