"""Digests of code: what a stage and the library modules it really imports mean, without comments and layout.

Snakemake gets the digest as a parameter of the rule. A changed helper re-runs exactly the jobs it feeds; a changed
comment, docstring or line break re-runs nothing.
"""

import ast
import functools
import hashlib
from pathlib import Path

PACKAGES = ("etude", "stages")


def code_digest(*modules: str, root: Path = Path(".")) -> str:
    """Hex digest (16 digits) of ``modules`` and of everything of this project that they import, however indirectly.

    Plug-ins are imported by name at run time, which nothing in the source shows: name them as further ``modules``.
    """
    root = root.resolve()
    reached: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in reached:
            continue
        path = _file_of(module, root)
        if path is None:
            raise ModuleNotFoundError(f"{module}: no such module under {root}")
        reached[module], imports = _read(path, module)
        waiting += [name for name in imports if name not in reached and _file_of(name, root) is not None]
    total = hashlib.sha256()
    for module in sorted(reached):
        total.update(f"{module} {reached[module]}\n".encode())
    return total.hexdigest()[:16]


@functools.cache  # the same names are imported everywhere
def _file_of(module: str, root: Path) -> Path | None:
    """The source file of ``module``, or ``None`` when it is a namespace folder, a name inside a module, or foreign."""
    if module.split(".")[0] not in PACKAGES:
        return None
    base = root.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@functools.cache
def _read(path: Path, module: str) -> tuple[str, list[str]]:
    """Hash of the module's meaning, and the names it imports that could be modules of this project."""
    tree = ast.parse(path.read_bytes(), str(path))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    names: list[str] = [".".join(module.split(".")[:depth]) for depth in range(1, module.count(".") + 1)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        _strip_docstring(node)
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), [n for n in names if n.split(".")[0] in PACKAGES]


def _strip_docstring(node: ast.AST) -> None:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    if isinstance(node, holders):
        node.body = [
            statement
            for statement in node.body
            if not (
                isinstance(statement, ast.Expr)
                and isinstance(statement.value, ast.Constant)
                and isinstance(statement.value.value, str)
            )
        ]
