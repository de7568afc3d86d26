"""A log entry is a constant event with fields, so that it can be searched and a value can not break its form."""

import ast
from collections.abc import Iterator

from tests.lints.checkout import Checkout, Finding

_LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
_LOGGERS = {"log", "logger"}


def check(checkout: Checkout) -> Iterator[Finding]:
    """Reject log calls whose text is put together in place: f-strings, ``%``, ``+`` and ``.format``."""
    for module in checkout.modules:
        for node in module.nodes:
            if isinstance(node, ast.Call) and _is_log_call(node) and any(_is_made(argument) for argument in node.args):
                yield module.finding(node, "log text put together: a constant event, and the values as fields")


def _is_log_call(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(name) | ast.Attribute(attr=name), attr=level):
            return level in _LEVELS and name.lower().rpartition("_")[2] in _LOGGERS
        case _:
            return False


def _is_made(node: ast.expr) -> bool:
    match node:
        case ast.JoinedStr() | ast.BinOp(op=ast.Mod() | ast.Add()) | ast.Call(func=ast.Attribute(attr="format")):
            return True
        case _:
            return False
