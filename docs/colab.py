"""Notebooks in Colab: the link to open one there, and the cell that installs the package.

A tutorial has this cell itself. An experiment has not, since what it shows is its run: the page gives the cell to copy,
and the notebook that can be downloaded from the site begins with it."""
import html
import json

from markup import Page, code
from repository import repository

INSTALL = """# installs the package in Colab; does nothing anywhere else
import sys
if "google.colab" in sys.modules:
    %pip install -q git+{home}"""


def is_experiment(page: Page) -> bool:
    "Whether the page is a notebook that papermill runs."
    return any("experiment" in cell["metadata"].get("tags", []) for cell in page.nb["cells"])


def is_offered(page: Page) -> bool:
    "Whether the page can be opened in Colab."
    return page.installs or is_experiment(page)


def badge(page: Page) -> str:
    "The link that opens the page's notebook in Colab; '' where it is not offered."
    if not is_offered(page): return ""
    address = html.escape(repository().colab(f"nbs/{page.name}"), quote=True)
    return f'<a class="badge" href="{address}"><b aria-hidden="true">CO</b>Open in Colab</a>'


def install() -> str:
    "The cell that installs the package, from the repository that settings.ini names."
    return INSTALL.format(home=repository().home)


def first_cell(page: Page) -> str:
    "For a notebook that is offered and does not install the package itself: what to run first in Colab."
    if page.installs or not is_offered(page): return ""
    said = "In Colab, run this in a cell of its own first. The notebook to download begins with it."
    return f'<details class="folded"><summary>first cell in Colab</summary><p>{said}</p>{code(install())}</details>'


def notebook(page: Page, text: str) -> str:
    "The notebook to download, of which `text` is what the repository has: with the cell, where Colab needs it."
    if page.installs or not is_offered(page): return text
    nb = json.loads(text)
    cell = dict(cell_type="code", id="install-colab", metadata={}, execution_count=None, outputs=[],
                source=install().splitlines(keepends=True))
    at = next(i for i, c in enumerate(nb["cells"]) if c["cell_type"] == "code")
    nb["cells"].insert(at, cell)
    return json.dumps(nb, indent=1, ensure_ascii=False) + "\n"
