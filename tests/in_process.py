"""Run `inr2vec` commands and notebooks in this process: without a kernel each, short runs take seconds."""
import contextlib
import io
import sys
from pathlib import Path
from unittest.mock import patch

import nbformat
from execnb.shell import CaptureShell
from papermill import PapermillExecutionError, execute_notebook
from papermill.engines import Engine, papermill_engines


class InThisProcess(Engine):
    "Executes a notebook's cells in a shell of this process, with names of its own."

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, **kwargs) -> None:
        "Run the cells in turn; the first error ends it, and stays in the notebook, where papermill looks for it."
        shell = CaptureShell(mpl_format="png")
        for i, cell in enumerate(nb_man.nb.cells):
            nb_man.cell_start(cell, i)
            if cell.cell_type == "code":
                outputs = shell.run(cell.source)
                cell.outputs = [nbformat.from_dict(o) for o in outputs]
            if shell.exc:
                nb_man.cell_exception(cell, cell_index=i, exception=shell.exc)
                return
            nb_man.cell_complete(cell, cell_index=i)


def run_notebook(path: Path, folder: Path, **parameters) -> str | None:
    "Execute a notebook in `folder`, by papermill; the error that ended it, or None."
    papermill_engines.register("in this process", InThisProcess)
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            execute_notebook(path, folder/"out.ipynb", parameters, engine_name="in this process",
                             progress_bar=False, cwd=folder)
        except PapermillExecutionError as e: return str(e)
    return None


def run_command(arguments: list) -> tuple[int, str]:
    "The exit status of `inr2vec` with these arguments, and what it printed."
    from inr2vec.cli import main
    papermill_engines.register(None, InThisProcess)      # what papermill takes if no engine is named
    printed = io.StringIO()
    command = patch.object(sys, "argv", ["inr2vec", *map(str, arguments)])
    with command, contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try: main()
        except SystemExit as e: code = e.code if isinstance(e.code, int) else 1 if e.code else 0
        else: code = 0
    return code, printed.getvalue()
