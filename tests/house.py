"""The packages in one picture and in one table, both from the one list in tests/project.py."""
import io
from typing import TYPE_CHECKING

from project import NBS, PACKAGES

if TYPE_CHECKING: from IPython.display import Image, Markdown

INK, PAPER = "#1f4e79", ("#dce9f5", "#eef4fa")


def house_picture() -> "Image":
    "The packages as floors, the first at the bottom, with what each is for."
    import matplotlib.pyplot as plt
    from IPython.display import Image
    names = list(PACKAGES)
    fig, ax = plt.subplots(figsize=(8.8, 0.34*len(names) + 0.3))
    for floor, (name, purpose) in enumerate(PACKAGES.items()):
        ax.add_patch(plt.Rectangle((0, floor), 1, 0.86, facecolor=PAPER[floor % 2], edgecolor=INK, lw=0.8))
        ax.text(0.012, floor + 0.43, name, va="center", fontsize=10, weight="bold", color=INK)
        ax.text(0.2, floor + 0.43, purpose, va="center", fontsize=9, color="#222222")
    ax.annotate("imports", (-0.03, 0.2), (-0.03, len(names) - 0.4), rotation=90, ha="center", va="top", fontsize=9,
                color="#555555", arrowprops=dict(arrowstyle="->", color="#555555"))
    ax.set(xlim=(-0.06, 1.01), ylim=(-0.1, len(names)))
    ax.set_axis_off()
    out = io.BytesIO()
    fig.savefig(out, format="png", dpi=100, bbox_inches="tight", metadata={"Software": None})
    plt.close(fig)
    return Image(out.getvalue(), format="png")


def house_table() -> "Markdown":
    "The packages from the ground up: where their notebooks are, and what they are for."
    from IPython.display import Markdown
    rows = ["| package | notebooks | what it is for |", "|---|---|---|"]
    for name, purpose in PACKAGES.items():
        rows.append(f"| `inr2vec.{name}` | [`nbs/{name}`]({name}/00_{name}.ipynb) | {purpose} |")
    missing = [name for name in PACKAGES if not (NBS/name/f"00_{name}.ipynb").exists()]
    if missing: raise FileNotFoundError(f"nbs/ has no page for {', '.join(missing)}")
    return Markdown("\n".join(rows))
