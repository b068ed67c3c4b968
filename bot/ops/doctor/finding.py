"""What a check of the doctor's has found."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    ATTENTION = "attention"
    FAILED = "failed"


OK, ATTENTION, FAILED = Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's: how it is with a subject, and what to do, if anything."""

    verdict: Verdict
    subject: str
    says: str
    remedy: str = ""

    def __str__(self) -> str:
        stop = "" if "://" in self.says.rpartition(" ")[2] else "."  # an address is copied whole
        return f"{self.verdict:<9}  {self.subject:<11} {self.says}{stop}{self.remedy and ' ' + self.remedy}"
