"""Takes the README's pictures from the demo, in two languages: `make screenshots`."""

import sys

from bot.cards.language import _, plural, use_language
from bot.domain.languages import Language
from tests.story import CHROMIUM, ROOT, browser_page, cancel, connect, expect, message, running_demo

FOLDER = ROOT / "docs"
LOCALES = {Language.ENGLISH: "en-US", Language.TURKISH: "tr"}


def main() -> None:
    """Play the story in each language and write docs/card-*.png and docs/notice-*.png."""
    if CHROMIUM is None:
        sys.exit("This needs a Chromium (Debian: apt install chromium).")
    FOLDER.mkdir(exist_ok=True)
    for language, locale in LOCALES.items():
        with use_language(language), running_demo(locale=locale) as demo, browser_page(demo.url) as page:
            connect(page, demo.key)
            card = cancel(page, demo.orders)
            for state, count in (("cancelled", 1), ("queued", 2), ("refused", 1), ("delivered", 1)):
                expect(card).to_contain_text(f"{count} {_(state)}")
            card.screenshot(path=FOLDER / f"card-{language}.png")
            notice = message(page, plural("News about {count} order", "News about {count} orders", 1))
            expect(notice).to_contain_text(_("Delivered, not cancelled"))
            notice.screenshot(path=FOLDER / f"notice-{language}.png")


if __name__ == "__main__":
    main()
