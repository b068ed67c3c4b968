"""What the panel's own words mean: an answer about orders, or a fault that says nothing of them."""

import re

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


def is_of_a_fault(panel_message: str) -> bool:
    """Tell whether an error speaks of a fault or of something in front of the panel, so that it refuses nothing."""
    return bool(_OF_A_FAULT.search(folded(panel_message)))


def is_about_orders(panel_message: str) -> bool:
    """Tell whether the error of a whole call is the panel's word on its orders, and not anybody else's.

    What is not known to be one is trouble: that is tried again and shown, while a refusal is final.
    """
    return bool(_ABOUT_ORDERS.search(folded(panel_message))) and not is_of_a_fault(panel_message)


def folded(panel_message: str) -> str:
    """Fold a sentence, or a code like `error.incorrect_order_id`, for comparison."""
    plain = (
        panel_message.casefold().replace("\u0307", "").replace("\u2019", "'")
    )  # of a Turkish capital I; as people write it
    return re.sub(r"[\s._]+", " ", plain)
