"""A broad except stands at a boundary, and its line says which: ``except Exception as error:  # boundary: an agent's handler``."""

import ast
import re
from collections.abc import Iterator
from typing import TypeGuard

from tests.lints.checkout import Checkout, Finding

_BROAD = {"Exception", "BaseException"}
_BOUNDARY = re.compile(r"# boundary: \S")


def check(checkout: Checkout) -> Iterator[Finding]:
    """Reject ``except:``, ``except Exception``, ``except BaseException`` and their ``suppress`` without a stated boundary."""
    for module in checkout.modules:
        for node in module.nodes:
            if _is_broad(node) and not _BOUNDARY.search(module.lines[node.lineno - 1]):
                yield module.finding(node, "broad except: name the errors, or the reason: # boundary: <reason>")


def _is_broad(node: ast.AST) -> TypeGuard[ast.ExceptHandler | ast.Call]:
    match node:
        case ast.ExceptHandler(type=None):
            return True
        case ast.ExceptHandler(type=ast.expr() as caught):
            return _names(caught) & _BROAD != set()
        case ast.Call(func=ast.Name("suppress") | ast.Attribute(attr="suppress"), args=args):
            return any(_names(caught) & _BROAD for caught in args)
        case _:
            return False


def _names(node: ast.expr) -> set[str]:
    match node:
        case ast.Name(id):
            return {id}
        case ast.Attribute(attr=attr):
            return {attr}
        case ast.Tuple(elts):
            return {name for element in elts for name in _names(element)}
        case _:
            return set()
