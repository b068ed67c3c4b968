"""An audit that could not ask anybody is never taken for one that found nothing."""

import json

import pytest

from tests.audit import UNASKED, VULNERABLE, read, verdict

CLEAN = {"name": "httpx", "version": "0.28.1", "vulns": []}
FLAW = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["3.1"]}
FLAWED = {"name": "aiohttp", "version": "3.0", "vulns": [FLAW]}
SKIPPED = {"name": "yarl", "skip_reason": "Dependency not found and could not be audited"}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([CLEAN], 0, "audit: 1 without known vulnerabilities, 0 found"),
        ([CLEAN, FLAWED], VULNERABLE, "aiohttp 3.0: PYSEC-1, CVE-1; mended in 3.1"),
        ([FLAWED, SKIPPED], VULNERABLE, "NOT AUDITED"),
        ([CLEAN, SKIPPED], UNASKED, "knows nothing of 1: yarl"),
        ([SKIPPED], UNASKED, "NOT AUDITED"),
        ([], UNASKED, "NOT AUDITED"),
    ],
)
def test_what_a_report_comes_to(packages: list[object], code: int, words: str) -> None:
    given, text = verdict(read(json.dumps({"dependencies": packages, "fixes": []})))
    assert given == code
    assert words in text


def test_no_report_is_told_in_the_tools_own_words() -> None:
    given, text = verdict(read("", "INFO: asking\nERROR: connection refused\n"))
    assert given == UNASKED
    assert "NOT AUDITED FOR KNOWN VULNERABILITIES: ERROR: connection refused" in text
