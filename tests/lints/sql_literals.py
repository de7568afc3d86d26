"""All SQL text lives in ``sql/``: a string that reads like a statement has no place in Python, tests and benches aside."""

import ast
import re
from collections.abc import Iterator

from tests.lints.checkout import Checkout, Finding, Module

# Clauses in either case, since prose hardly has them in this order; lone verbs only in capitals, since prose begins with them too.
_STATEMENT = re.compile(
    r"""\s*(?:
        (?:SELECT|select)\s.*\s(?:FROM|from)\s
      | (?:SELECT|select)\s+[\w.]+\(
      | (?:INSERT|insert)\s+(?:INTO|into)\s
      | (?:UPDATE|update)\s+[^\s,]+\s+(?:SET|set)\s
      | (?:DELETE|delete)\s+(?:FROM|from)\s
      | (?:CREATE|create|ALTER|alter|DROP|drop)\s+(?:(?:OR|or)\s+(?:REPLACE|replace)\s+)?(?:UNIQUE\s+|unique\s+)?
        (?:TABLE|INDEX|DATABASE|SCHEMA|ROLE|USER|FUNCTION|TYPE|EXTENSION|SYSTEM|table|index|database|schema|role|extension|system)\s
      | (?:SELECT|WITH|LISTEN|UNLISTEN|NOTIFY|SET|RESET|SHOW|TRUNCATE|LOCK|EXPLAIN|ANALYZE|VACUUM|COPY|CALL|DISCARD|GRANT|REVOKE)\s
      | (?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT|CHECKPOINT)(?:\s|;|$)
    )""",
    re.VERBOSE | re.DOTALL,
)


def check(checkout: Checkout) -> Iterator[Finding]:
    """Reject strings and f-strings that begin like an SQL statement. Docstrings may speak of SQL."""
    for module in checkout.modules:
        if not (module.is_in("tests") or module.is_in("benches")):
            yield from (
                module.finding(node, "SQL in Python: name the statement in sql/queries/<slice>.sql")
                for node, text in _literals(module)
                if _STATEMENT.match(text)
            )


def _literals(module: Module) -> Iterator[tuple[ast.expr, str]]:
    """Every literal with its text; what an f-string fills in is a ``_``."""
    skipped = {node.value for node in module.nodes if isinstance(node, ast.Expr)}  # docstrings
    for node in module.nodes:
        match node:
            case ast.JoinedStr(values):
                skipped.update(values)
                yield node, "".join(_text(value) for value in values)
            case ast.Constant(str(text)) if node not in skipped:
                yield node, text
            case _:
                pass


def _text(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "_"
