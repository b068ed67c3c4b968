"""What the panel's own words mean: its status words, and why it says no. Nothing else in the bot reads them."""

import re

from bot.domain.order_status import OrderStatus
from bot.domain.reasons import Reason

_STATUSES = {status.replace("_", ""): status for status in OrderStatus} | {
    "canceled": OrderStatus.CANCELLED,
    "fail": OrderStatus.FAILED,
    "error": OrderStatus.FAILED,
}


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_ABOUT_ORDERS = _any_of(
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
_OF_A_FAULT = _any_of(
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
_NOT_FOUND = re.compile(
    r"(?:(?:error|sorry|the|this|your|requested|cancel|status|refill)[ ,:]+)*"
    r"(?:orders?(?: id)?(?: (?:with )?(?:id )?#?\w*[0-9_][\w-]*)? (?:(?:was |is |were |are )?not found"
    r"|(?:does not|doesn't|do not) exist)"
    r"|no such orders?|(?:incorrect|invalid|wrong|unknown) orders?(?: ids?| number)?)"
    r"(?:$|[.!:;,]| ?[(\[]| (?:in|for|under|on) (?:this|your) )"
)
"""A whole sentence, of an order: "Application not found" and "Incorrect order status" tell of something else."""

_PERHAPS_DONE = re.compile(
    r"already|duplicate|\b(?:order|is|was|were|been) cancell?ed\b"
    r"|\b(?:cancell?ation|cancel|request) (?:\w+ ){0,2}(?:sent|pending|exists|received|submitted|in progress)\b"
    # *Already* in the languages that panels of the family answer in
    r"|\bzaten\b|\bya (?:est[aá]|fue|ha)\b|\bjá\b|уже|\bsudah\b|\btelah\b|\bđã\b|पहले|بالفعل"
)
"""A refusal that may be for an earlier cancel's sake."""
_REFILL = (
    (r"not support|not available|disabled|\bno refill|without refill", Reason.REFILL_UNSUPPORTED),
    (
        r"at a time|\bopen\b|already (active|exist|has|in|pending|request)|refill (is )?(pending|in pro)",
        Reason.REFILL_OPEN,
    ),
    (r"(?<!rate )limit|maxim|\bmax\b|exceed|\btimes\b|too many|already refilled", Reason.REFILL_LIMIT),
    (r"complete|partial|in.progress|pending|processing|cancel|refund", Reason.REFILL_TOO_EARLY),
)
"""NotPanel documents when it refuses a refill, but not in which words: these are guesses, shown beside its own."""


def read_status(word: str) -> OrderStatus:
    """Return what a status word means, whatever its case, spaces, `_` and `-`."""
    return _STATUSES.get(re.sub(r"[\s_-]+", "", word).casefold(), OrderStatus.UNKNOWN)


def read_reason(action: str, panel_message: str) -> Reason:
    """Return why the panel refused to "cancel", "refill" or tell the "status" of an order."""
    return _READERS[action](panel_message)


def plain_reason(panel_message: str) -> Reason:
    """Return why the panel refuses an order, whatever it was asked for."""
    said = panel_message.casefold()
    if is_not_found(panel_message):
        return Reason.NOT_FOUND
    if "not support" in said:
        return Reason.CANCEL_UNSUPPORTED if "cancel" in said else Reason.UNSUPPORTED
    return Reason.ALREADY_COMPLETED if "already completed" in said else Reason.OTHER


def _cancel_reason(panel_message: str) -> Reason:
    plain = plain_reason(panel_message)
    if plain not in (Reason.NOT_FOUND, Reason.CANCEL_UNSUPPORTED) and is_fault(panel_message):
        return Reason.FAULT
    if _PERHAPS_DONE.search(panel_message.casefold()):
        return plain if plain is Reason.ALREADY_COMPLETED else Reason.MAYBE_CANCELLED
    return plain


def _refill_reason(panel_message: str) -> Reason:
    if is_not_found(panel_message):
        return Reason.NOT_FOUND
    said = panel_message.casefold()
    return next((reason for pattern, reason in _REFILL if re.search(pattern, said)), Reason.OTHER)


_READERS = {"cancel": _cancel_reason, "refill": _refill_reason, "status": plain_reason}


def is_fault(panel_message: str) -> bool:
    """Tell whether an error speaks of a fault or of something in front of the panel, so that it refuses nothing."""
    return bool(_OF_A_FAULT.search(fold_phrase(panel_message)))


def is_about_orders(panel_message: str) -> bool:
    """Tell whether the error of a whole call is the panel's word on its orders, and not anybody else's.

    What is not known to be one is trouble: that is tried again and shown, while a refusal is final.
    """
    return bool(_ABOUT_ORDERS.search(fold_phrase(panel_message))) and not is_fault(panel_message)


def fold_phrase(panel_message: str) -> str:
    """Fold a sentence, or a code like `error.incorrect_order_id`, for comparison."""
    plain = (
        panel_message.casefold().replace("\u0307", "").replace("\u2019", "'")
    )  # of a Turkish capital I; as people write it
    return re.sub(r"[\s._]+", " ", plain)


def is_not_found(panel_message: str) -> bool:
    """Tell whether the panel says that there is no such order under the key that was used.

    "Order not found" stands in the NotPanel docs; "Incorrect order ID" and `error.incorrect_order_id` are the family's.
    """
    said = " ".join(panel_message.casefold().split())
    return bool(_NOT_FOUND.match(said if " " in said else re.sub(r"[_.]+", " ", said)))
