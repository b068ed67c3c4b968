"""Asks whether any pinned version is known to be vulnerable, and says loudly where nobody could be asked: `make audit`.

pip-audit calls a package that its service does not know "skipped", and ends well although nothing was looked at.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.story import ROOT

LOCK = "requirements-dev.txt"
"""Holds all other locks in the same versions."""
ACCEPTED: dict[str, str] = {}
"""Identifiers of vulnerabilities that do not reach this project, and why they do not."""
VULNERABLE, UNASKED = 1, 2
_MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class Audit:
    """What is known of the pinned versions."""

    clean: int
    vulnerable: tuple[str, ...]
    unasked: tuple[str, ...]
    """Packages of which nothing was learned."""
    trouble: str = ""
    """Why there is no answer at all."""


def main() -> int:
    """Print what is known; return 0 if nothing speaks against any version."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--if-reachable", action="store_true", help="let it pass, loudly, where nobody can be asked")
    asked = parser.parse_args()
    code, text = verdict(ask())
    print(text)
    return 0 if code == UNASKED and asked.if_reachable else code


def ask() -> Audit:
    """Ask the package index's own list of advisories about every pinned version."""
    ignored = [word for known in ACCEPTED for word in ("--ignore-vuln", known)]
    options = ["-s", "pypi", "--require-hashes", "--disable-pip", "--progress-spinner", "off", "--desc", "off"]
    ended = subprocess.run(
        [sys.executable, "-m", "pip_audit", *options, *ignored, "-f", "json", "-r", LOCK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return read(ended.stdout, ended.stderr)


def read(report: str, complaints: str = "") -> Audit:
    """Read pip-audit's report in JSON; `complaints`: what it wrote beside it."""
    try:
        found: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        return Audit(0, (), (), complaints.strip().splitlines()[-1] if complaints.strip() else "no report")
    unasked = tuple(one["name"] for one in found if "skip_reason" in one)
    vulnerable = tuple(_line(one, flaw) for one in found for flaw in one.get("vulns", ()))
    clean = sum(one.get("vulns") == [] for one in found)
    return Audit(clean, vulnerable, unasked)


def _line(package: dict[str, Any], flaw: dict[str, Any]) -> str:
    mended = ", ".join(flaw["fix_versions"]) or "no release yet"
    names = ", ".join([flaw["id"], *flaw.get("aliases", ())])
    return f"{package['name']} {package['version']}: {names}; mended in {mended}"


def verdict(audit: Audit) -> tuple[int, str]:
    """Return the exit code and what to print; nobody asked is not the same as nothing found."""
    lines = list(audit.vulnerable)
    unsure = bool(audit.trouble or audit.unasked or not audit.clean)
    if unsure:
        names = ", ".join([*audit.unasked[:_MOST_NAMES], *["…"] * (len(audit.unasked) > _MOST_NAMES)])
        what = audit.trouble or f"the service knows nothing of {len(audit.unasked)}: {names}"
        lines += ["!" * 72, f"NOT AUDITED FOR KNOWN VULNERABILITIES: {what}", "!" * 72]
    lines.append(f"audit: {audit.clean} without known vulnerabilities, {len(audit.vulnerable)} found")
    return VULNERABLE if audit.vulnerable else UNASKED if unsure else 0, "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
