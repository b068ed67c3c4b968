"""Takes the README's pictures from the demo: `make screenshots`."""

import sys

from tests.story import CHROMIUM, ROOT, browser_page, cancel, connect, expect, message, running_demo


def main() -> None:
    """Play the story and write docs/card.png and docs/notice.png."""
    if CHROMIUM is None:
        sys.exit("This needs a Chromium (Debian: apt install chromium).")
    folder = ROOT / "docs"
    folder.mkdir(exist_ok=True)
    with running_demo() as demo, browser_page(demo.url) as page:
        connect(page, demo.key)
        card = cancel(page, demo.orders)
        expect(card).to_contain_text("1 refunded · 2 queued · 2 refused")
        card.screenshot(path=folder / "card.png")
        notice = message(page, "News about 1 order")
        expect(notice).to_contain_text("Delivered before the request took effect")
        notice.screenshot(path=folder / "notice.png")


if __name__ == "__main__":
    main()
