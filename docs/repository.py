"""Where the project lives, from settings.ini: addresses of sources, of pages to edit and of problems to report."""
import ast
import configparser
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, urlencode

import sidebar


@dataclass(frozen=True)
class Repository:
    "The repository on GitHub, and what is said of the package."
    package: str
    user: str
    name: str
    branch: str
    version: str
    licence: str

    @property
    def home(self) -> str:
        "The repository's own page."
        return f"https://github.com/{self.user}/{self.name}"

    def file(self, path: str, line: int | None = None) -> str:
        "A file of the repository, at a line."
        return f"{self.home}/blob/{self.branch}/{quote(path)}{f'#L{line}' if line else ''}"

    def edit(self, path: str) -> str:
        "Where a file can be edited."
        return f"{self.home}/edit/{self.branch}/{quote(path)}"

    def report(self, title: str) -> str:
        "A new issue about a page."
        return f"{self.home}/issues/new?{urlencode({'title': f'Documentation: {title}'})}"

    def colab(self, path: str) -> str:
        "A notebook, opened in Colab."
        return f"https://colab.research.google.com/github/{self.user}/{self.name}/blob/{self.branch}/{quote(path)}"


@cache
def repository() -> Repository:
    "What settings.ini says."
    config = configparser.ConfigParser()
    config.read(sidebar.ROOT/"settings.ini", encoding="utf-8")
    said = config["DEFAULT"]
    licence = {"apache2": "Apache 2.0"}.get(said["license"], said["license"])
    name = said.get("repo", said["lib_name"])
    return Repository(said["lib_name"], said["user"], name, said["branch"], said["version"], licence)


def module_path(module: str) -> str:
    "The file of a module that a notebook exports, from the top of the repository."
    return f"inr2vec/{module.replace('.', '/')}.py"


@cache
def lines(module: str) -> dict[str, int]:
    "The line of each class, function and method of an exported module; nothing for one that is not there."
    path = sidebar.ROOT/module_path(module)
    if not path.exists(): return {}
    found = {}
    def note(body: list[ast.stmt], owner: str) -> None:
        for node in body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef): continue
            found[f"{owner}{node.name}"] = node.lineno
            if isinstance(node, ast.ClassDef): note(node.body, f"{owner}{node.name}.")

    note(ast.parse(path.read_text(encoding="utf-8")).body, "")
    return found


def source_of(module: str, name: str) -> str:
    "The address of what defines `name`; '' for what the exported module does not have."
    line = lines(module).get(name)
    return repository().file(module_path(module), line) if line else ""
