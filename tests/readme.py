"""Write README.md from nbs/index.ipynb and CONTRIBUTING.md from nbs/tutorials/08_contributing.ipynb: `make readme`.

With --check it only says whether they are what the notebooks make. nbdev's own command needs Quarto; these notebooks
have no more than text, pictures and tables, which need none. Links between notebooks become links into nbs/."""
import base64
import json
import posixpath
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MADE = {"README.md": "index", "CONTRIBUTING.md": "tutorials/08_contributing"}       # from nbs/*.ipynb
PICTURE = "nbs/images/{}-{}.png"


def linked(text: str, folder: str) -> str:
    "Links between notebooks, as they are from the top of the repository; `folder` is where the text stands."
    def from_top(m: re.Match) -> str: return f"]({posixpath.normpath(f'{folder}/{m[1]}')}"

    return re.sub(r"\]\((?![a-z]+:|#|nbs/)([^)]+\.ipynb)", from_top, text)


def rendered() -> dict[str, bytes]:
    "The files that these notebooks make, and their pictures, by their path in the repository."
    files = {}
    for target, name in MADE.items():
        parts, pictures, folder = [], 0, posixpath.dirname(f"nbs/{name}")
        for cell in json.loads((ROOT/"nbs"/f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                parts.append(linked(source, folder))
                continue
            shown = "\n".join(line for line in source.splitlines() if not line.startswith("#| "))
            if "#| echo: false" not in source: parts.append(f"```python\n{shown}\n```")
            for out in cell["outputs"]:
                data = out.get("data", {})
                if png := data.get("image/png"):
                    files[path := PICTURE.format(Path(name).name, pictures)] = base64.b64decode("".join(png))
                    pictures += 1
                    parts.append(
                        f"![{alt[1] if (alt := re.search(r'^#[|] fig-alt: (.+)$', source, re.M)) else ''}]({path})"
                    )
                elif text := data.get("text/markdown") or data.get("text/plain") or out.get("text"):
                    parts.append(
                        linked("".join(text), folder)
                        if "text/markdown" in data
                        else f"```\n{''.join(text).rstrip()}\n```"
                    )
        files[target] = ("\n\n".join(parts) + "\n").encode()
    return files


def differences() -> list[str]:
    "The files that are not what their notebooks make."
    return [
        name
        for name, content in rendered().items()
        if not (ROOT / name).exists() or (ROOT / name).read_bytes() != content
    ]


if __name__ == "__main__":
    changed = differences()
    if "--check" in sys.argv:
        sys.exit("; ".join(f"{name} is not what its notebook makes: run make readme" for name in changed) or 0)
    for name in changed:
        (ROOT/name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_bytes(rendered()[name])
        print("wrote", name)
