"""``python -m tests.lints [checkout]``: print each finding as ``path:line: sentence``; exit with 1 when there is one."""

import sys
from pathlib import Path

from tests.lints import excepts, logs, machine, names, sizes, sql_literals, statements, tasks
from tests.lints.checkout import Rule, read_checkout

RULES: tuple[Rule, ...] = tuple(rule.check for rule in (excepts, logs, machine, names, sizes, sql_literals, statements, tasks))


def main(root: Path) -> int:
    """Run every rule over the checkout at ``root``."""
    checkout = read_checkout(root)
    findings = [finding for rule in RULES for finding in rule(checkout)]
    for finding in sorted(findings, key=lambda finding: (finding.path, finding.line)):
        print(finding)
    print(f"{len(RULES)} lints, {len(checkout.files)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(Path(*sys.argv[1:2])))
