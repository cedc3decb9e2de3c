"""Write README.md from nbs/index.ipynb: `make readme`. With --check it only says whether README.md is what the notebook makes.

nbdev's own command needs Quarto; the index notebook has no more than text, pictures and tables, which need none."""
import base64
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INDEX, README, PICTURE = ROOT/"nbs"/"index.ipynb", ROOT/"README.md", "nbs/images/index-{}.png"


def rendered() -> dict[str, bytes]:
    "The files that the index notebook makes: README.md and its pictures, by their path in the repository."
    parts, files = [], {}
    for cell in json.loads(INDEX.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown": parts.append(source); continue
        if "#| echo: false" not in source: parts.append(f"```python\n{source}\n```")
        for out in cell["outputs"]:
            data = out.get("data", {})
            if png := data.get("image/png"):
                name = PICTURE.format(len(files))
                files[name] = base64.b64decode("".join(png))
                parts.append(f"![A shape, its INR, the INR's weights, what the encoder asks, and the shape again]({name})")
            elif text := data.get("text/markdown") or data.get("text/plain") or out.get("text"):
                parts.append("".join(text) if "text/markdown" in data else f"```\n{''.join(text).rstrip()}\n```")
    return {**files, "README.md": ("\n\n".join(parts) + "\n").encode()}


def differences() -> list[str]:
    "The files that are not what the index notebook makes."
    return [name for name, content in rendered().items() if not (ROOT/name).exists() or (ROOT/name).read_bytes() != content]


if __name__ == "__main__":
    changed = differences()
    if "--check" in sys.argv: sys.exit("; ".join(f"{name} is not what nbs/index.ipynb makes: run make readme" for name in changed))
    for name in changed:
        (ROOT/name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT/name).write_bytes(rendered()[name]); print("wrote", name)
