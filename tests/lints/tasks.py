"""Every task has an owner: nothing starts one outside a TaskGroup, and nothing in src puts the whole event loop to sleep."""

import ast
from collections.abc import Iterator

from tests.lints.checkout import Checkout, Finding, Module

_OWNED = "use a TaskGroup that a component owns"
_OWNERLESS: dict[str, str] = dict.fromkeys(("asyncio.create_task", "asyncio.ensure_future", "asyncio.gather"), _OWNED)
_BLOCKING = {"time.sleep": "wait on an event"}
_LOOP_GETTERS = {"asyncio.get_running_loop", "asyncio.get_event_loop", "asyncio.new_event_loop"}


def check(checkout: Checkout) -> Iterator[Finding]:
    """Reject ownerless tasks everywhere and ``time.sleep`` in src, whatever name they were imported under."""
    for module in checkout.modules:
        banned = _OWNERLESS | _BLOCKING if module.is_in("src") else _OWNERLESS
        names = _imported(module)
        for node in module.nodes:
            if isinstance(node, ast.Attribute | ast.Name) and (name := _full_name(node, names)) in banned:
                yield module.finding(node, f"{name}: {banned[name]}")
            elif isinstance(node, ast.Attribute) and node.attr == "create_task" and _is_loop(node.value, names):
                yield module.finding(node, f"loop.create_task: {_OWNED}")


def _imported(module: Module) -> dict[str, str]:
    """What each imported name of the module stands for."""
    names: dict[str, str] = {}
    for node in module.nodes:
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _full_name(node: ast.expr, names: dict[str, str]) -> str:
    match node:
        case ast.Name(id):
            return names.get(id, id)
        case ast.Attribute(value, attr):
            return f"{_full_name(value, names)}.{attr}"
        case _:
            return ""


def _is_loop(node: ast.expr, names: dict[str, str]) -> bool:
    if isinstance(node, ast.Call):
        return _full_name(node.func, names) in _LOOP_GETTERS
    return _full_name(node, names).rpartition(".")[2].lstrip("_") in ("loop", "event_loop")
