"""Plays every attack and prints what it does now beside what it did; ends with 1 where a bound is broken."""

import argparse
import asyncio
import importlib
import pkgutil
import sys
import time
import traceback

import tests.abuse
from tests.abuse import ATTACKS, Attack, Outcome

_PATIENCE = 600  # seconds
_TRIES = 3
"""How often an attack may be played until it is held off once: what else the machine does is measured along with it."""


async def _play(attack: Attack) -> Outcome:
    """Return what came of an attack; one that breaks off has not been held off."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await attack.play()
    except Exception as error:
        traceback.print_exc()
        return Outcome(f"broke off: {type(error).__name__}", held=False)


async def _play_all(attacks: list[Attack]) -> list[Attack]:
    """Play attacks one after another, print a line for each, and return those that got through."""
    through: list[Attack] = []
    for attack in attacks:
        began = time.monotonic()
        outcome, tries = await _play(attack), 1
        while not outcome.held and tries < _TRIES:
            print(f"\n{attack.what}: {outcome.measured}; once more", flush=True)
            outcome, tries = await _play(attack), tries + 1
        if not outcome.held:
            through.append(attack)
        verdict = "held" if outcome.held else "GOT THROUGH"
        print(f"\n{attack.area}: {attack.what} ({time.monotonic() - began:.1f} s)")
        print(f"  before {attack.before}\n  bound  {attack.bound}\n  now    {outcome.measured}: {verdict}", flush=True)
    return through


def main() -> int:
    """Play what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="leave out what takes long")
    parser.add_argument("--only", default="", help="those with this in their area or name")
    wanted = parser.parse_args()
    for module in pkgutil.iter_modules(tests.abuse.__path__):
        if module.name != "__main__":
            importlib.import_module(f"tests.abuse.{module.name}")
    attacks = [
        attack
        for attack in ATTACKS
        if wanted.only in f"{attack.area}: {attack.what}" and not (wanted.short and attack.slow)
    ]
    through = asyncio.run(_play_all(attacks))
    print(f"\n{len(attacks)} attacks, {len(through)} got through")
    return bool(through) or not attacks


if __name__ == "__main__":
    sys.exit(main())
