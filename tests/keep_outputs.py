"""Store the outputs of an executed experiment in its notebook: `make record`, or
python tests/keep_outputs.py runs/main-families-laptop-seed0.ipynb

What a reader of the repository needs stays: text, tables and still pictures. Progress bars, warnings, execution counts
and the interactive copies of the pictures (they are made again by whoever runs the notebook) do not."""
import base64
import io
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPERIMENTS = ROOT/"nbs"/"experiments"


def kept(output: dict) -> dict | None:
    "One output as it is stored, or None."
    if output.get("name") == "stderr" or output["output_type"] == "error": return None
    if output.get("name") == "stdout":   # what Open3D says of itself when it is imported in a notebook
        text = [l for l in "".join(output["text"]).splitlines(keepends=True) if "Open3D" not in l]
        if not text: return None
        output = {**output, "text": text}
    if "data" in output:
        if any("widget" in k for k in output["data"]): return None   # a progress bar
        data = {k: v for k, v in output["data"].items() if k != "application/vnd.plotly.v1+json"}
        output = {**output, "data": data, "metadata": {}}
    if "execution_count" in output: output["execution_count"] = None
    return output


MOST = 295_000      # characters of a notebook's outputs, somewhat less than the check allows


def letters(outputs: list[dict]) -> int:
    "The characters that outputs take in a notebook."
    return sum(len(json.dumps(o)) for o in outputs)


def smaller(outputs: list[dict]) -> list[dict]:
    "The same with pictures of 16 colours, and tables without the Markdown that stands next to their HTML."
    from PIL import Image
    made = []
    for output in outputs:
        data = dict(output.get("data", {}))
        if "image/png" in data:
            encoded, out = "".join(data["image/png"]), io.BytesIO()
            picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
            picture.quantize(16, dither=Image.Dither.NONE).save(out, "png", optimize=True)
            data["image/png"] = min(encoded, base64.b64encode(out.getvalue()).decode(), key=len)
        if "text/html" in data: data.pop("text/markdown", None)
        made.append({**output, "data": data} if data else output)
    return made


def keep(executed: Path) -> Path:
    "Copy the outputs into the notebook of the same experiment; raises if its code is not what was executed."
    from inr2vec.report.code_identity import code_alone

    def code(cells):
        return [
            c for c in cells if c["cell_type"] == "code" and "injected-parameters" not in c["metadata"].get("tags", [])
        ]

    def sources(cells):     # prose and comments may change
        return [
            "" if "experiment" in c["metadata"].get("tags", []) else code_alone("".join(c["source"]))
            for c in code(cells)
        ]
    ran = code(json.loads(executed.read_text(encoding="utf-8"))["cells"])
    path = EXPERIMENTS/f"{executed.stem.split('-')[0]}.ipynb"
    nb = json.loads(path.read_text(encoding="utf-8"))
    if sources(ran) != sources(nb["cells"]):
        sys.exit(f"{path.name} has changed since {executed.name} was run: run it again")
    found = [[o for o in map(kept, done["outputs"]) if o] for done in ran]
    if sum(map(letters, found)) > MOST: found = [smaller(outputs) for outputs in found]
    for cell, outputs in zip(code(nb["cells"]), found): cell["outputs"] = outputs
    path.write_text(json.dumps(nb, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def newest(experiment: str) -> Path:
    "The executed notebook in runs/ of the last run of an experiment."
    found = [p for p in (ROOT/"runs").glob(f"{experiment}-*.ipynb") if "-smoke-" not in p.name]
    if not found: sys.exit(f"{experiment} has not been run: inr2vec reproduce {experiment}")
    return max(found, key=lambda p: p.stat().st_mtime)


if __name__ == "__main__":
    names = sys.argv[1:]
    if names[:1] == ["--newest"]: names = map(newest, names[1:])
    for name in names: print("stored in", keep(Path(name)))
