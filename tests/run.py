"""Run every check of the project: `make test`, or `python tests/run.py NAME ...` for some (`--list` names them).

Needs no network and no data. The last line counts what passed and failed: one for each notebook, and one for each
check of the whole."""
import sys
import time
from collections.abc import Callable

from built import test_built
from citations import check_citations
from fuzz import check_fuzz
from pages import check_docs, check_readme, check_site
from project import PACKAGES, Results  # noqa: F401  (the list of packages, for those who look for it here)
from recorded import check_recorded
from running import test_experiments, test_gpu, test_nbdev
from sources import check_export, check_layers, check_notebooks
from spelling import check_spelling
from style import check_style
from tiny import test_tiny

CHECKS: dict[str, Callable[[], Results]] = dict(
    export=check_export,
    style=check_style,
    spelling=check_spelling,
    citations=check_citations,
    notebooks=check_notebooks,
    layers=check_layers,
    site=check_site,
    recorded=check_recorded,
    readme=check_readme,
    docs=check_docs,
    fuzz=check_fuzz,
    nbdev=test_nbdev,
    built=test_built,
    gpu=test_gpu,
    experiments=test_experiments,
    tiny=test_tiny,
)
SHOWN = 40      # problems of one kind that are printed; the others are counted


def main(names: list[str]) -> int:
    "Run the named checks, or all; the exit status is 1 if any failed."
    if "--list" in names:
        for name, check in CHECKS.items(): print(f"{name:12} {check.__doc__}")
        return 0
    if unknown := set(names) - set(CHECKS):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}. Use some of {', '.join(CHECKS)}")
    results: Results = {}
    for name in names or CHECKS:
        print(f"== {name}: {CHECKS[name].__doc__}", flush=True)
        start, found = time.perf_counter(), CHECKS[name]()
        for what, problems in found.items():
            for problem in problems[:SHOWN]: print(f"    FAILED {what}: {problem}", flush=True)
            if len(problems) > SHOWN: print(f"    FAILED {what}: {len(problems)} problems in all", flush=True)
        failed = sum(map(bool, found.values()))
        print(f"   {len(found) - failed} of {len(found)} in {time.perf_counter() - start:.0f} s", flush=True)
        results |= found
    failed = sum(map(bool, results.values()))
    print(f"\n{len(results) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__": sys.exit(main(sys.argv[1:]))
