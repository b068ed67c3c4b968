"""Why a call to the panel gave no answer for its orders; each docstring is the message a person reads."""

import re
from datetime import datetime
from typing import Literal

Layer = Literal["ip", "key", "tier"]


class PanelError(Exception):
    """The panel did not answer the question."""

    reached = False
    """Whether the panel may have acted on the call: then only `status` can tell what happened."""

    def __init__(self, words: str = "") -> None:
        super().__init__(words)
        self.words = words

    def __str__(self) -> str:
        said = f' The panel says: "{self.words}"' if self.words else ""
        return f"{type(self).__doc__}{said}"


class InvalidKey(PanelError):
    """The panel does not accept the API key."""


class Suspended(PanelError):
    """The panel has suspended the account."""


class Refused(PanelError):
    """The panel refused the whole call; nothing was done."""


class RateLimited(PanelError):
    """A rate limit is used up; nothing was done."""

    def __init__(self, words: str = "", *, layer: Layer | None = None, reset: datetime | None = None) -> None:
        super().__init__(words)
        self.layer: Layer | None = layer
        self.reset = reset


class TurnedAway(PanelError):
    """The panel, or something in front of it, lets no call through; nothing was done."""


class Unavailable(PanelError):
    """The panel could not be reached, or broke off."""

    def __init__(self, words: str = "", *, reached: bool) -> None:
        super().__init__(words)
        self.reached = reached


class Unintelligible(PanelError):
    """The panel answered with something that is not its protocol."""

    reached = True


_INVALID_KEY = re.compile(
    r"(?:invalid|incorrect|wrong) api key|api key (?:is )?(?:invalid|incorrect|wrong|not valid)|invalid key\W*$"
)
_SUSPENDED = re.compile(r"\b(?:account|user)\b.*\bsuspended")
_ELSEWHERE = re.compile(r"provider|supplier|upstream")
"""Beside these, an invalid key, a suspended account or a limit is not the user's own."""

_ABOUT_ORDERS = re.compile(
    "|".join(
        (
            r"(?<![a-z])(?:orders?|cancel|cancell?ations?|refill(?:s|ed|ing)?)(?![a-z])",
            r"\b(?:not|\w+n't|cannot|already)\b.{0,20}\bcancel",
            r"\bservice (?:does not|doesn't|cannot) (?:support|allow)",
            # *Order* and *cancel* in the languages that panels of the family answer in
            r"sipariş|\biptal|\bpedido|\b[oó]rden(?:es)?\b|\bcancela(?:r|ci[oó]n|mento|ção)\b|\bpesanan|\bp?em?batal",
            r"заказ|отмен|đơn hàng|\bmã đơn|\bh(?:uỷ|ủy)\b|ऑर्डर|रद्द|طلب|إلغاء",
            # NotPanel documents the first, the family has the others for a call that it does not know
            r"\bmissing required parameter: (?:action|key)\b|\binsufficient balance",
            r"\b(?:unknown|incorrect|invalid) action|\bincorrect request",
        )
    )
)
_OF_A_FAULT = re.compile(
    "|".join(
        (
            r"\binternal\b|\bserver\b|\bbusy\b|\btry\b|\bretry|\blater\b|\bwait\b|time[ds]?[ -]?out|unavailable",
            r"temporar|upstream|gateway|proxy|connect|network|socket|throttl|maintenance|overload",
            r"too many (?:\w+ )?requests|rate limit",
            r"unexpected|exception|undefined|sqlstate|\bsql|database|deadlock|\bquery\b|syntax|json|went wrong",
            r"unknown error|csrf|session|token|unauthori[sz]ed|forbidden|bad request|not implemented",
            r"cannot (?:get|post|read)\b|\broute\b|endpoint|\bmethod\b|in order to|out of order|\border by\b",
            r"\b(?:application|service|page|api|handler|controller|resource|host|url) not found",
            r"\b(?:request|operation|task|statement|context|job) (?:was |is |has been )?cancell?ed",
            r"\bsome (?:of )?(?:the |your )?orders",  # of the others it does not say that nothing was done
            # *Later* and *server error* in the same languages
            r"поз(?:же|днее)|временно|ошибка сервера|\bsonra\b|m[aá]s tarde|mais tarde|\bnanti\b|coba lagi|thử lại",
            r"बाद में|لاحقا",
        )
    )
)


def is_of_a_fault(words: str) -> bool:
    """Tell whether an error speaks of a fault or of something in front of the panel, so that it refuses nothing."""
    return bool(_OF_A_FAULT.search(_folded(words)))


def is_about_orders(words: str) -> bool:
    """Tell whether the error of a whole call is the panel's word on its orders, and not anybody else's.

    What is not known to be one is trouble: that is tried again and shown, while a refusal is final.
    """
    return bool(_ABOUT_ORDERS.search(_folded(words))) and not is_of_a_fault(words)


def _folded(words: str) -> str:
    """Fold a sentence, or a code like `error.incorrect_order_id`, for comparison."""
    plain = words.casefold().replace("\u0307", "").replace("\u2019", "'")  # of a Turkish capital I; as people write it
    return re.sub(r"[\s._]+", " ", plain)


def error_for(
    status: int, words: str, layer: Layer | None, reset: datetime | None, quoted: str = ""
) -> PanelError | None:
    """Return what an HTTP status and an answer's error words say of a whole call; None: go on reading.

    `words` are those of an error in the documented shape, `quoted` whatever text there is to show. The words count
    before the status: that of `Invalid API key` is unknown (NotPanel docs), and others of the v2 family send every
    error with 200. Of orders only 200 and the documented 400 speak; a gateway's or framework's error may come after
    the panel has acted.
    """
    said, quoted = _folded(words), words or quoted
    ours = not _ELSEWHERE.search(said)
    if ours and _INVALID_KEY.search(said):
        return InvalidKey(words)
    if ours and _SUSPENDED.search(said):
        return Suspended(words)
    if status == 429 or (ours and status < 500 and "rate limit exceeded" in said):
        return RateLimited(quoted, layer=layer, reset=reset)
    if status >= 500:
        return Unavailable(quoted, reached=True)
    if status in (401, 403) and words:
        return TurnedAway(words)
    if status not in (200, 400) or (status == 400 and not words):
        return Unintelligible(quoted)
    return None
