"""The least that a discord.py bot can be, to measure against: the same intents, one command, nothing but a deferral.

A plain discord.Client, although most bots (this one too) begin with the larger commands.Bot: the comparison is
meant to be strict.
"""

import os

import discord
from discord import app_commands


class Bare(discord.Client):
    """A client with one command."""

    def __init__(self) -> None:
        intents = discord.Intents.none()
        intents.dm_messages = True
        super().__init__(intents=intents)
        app_commands.CommandTree(self).add_command(cancel)


@app_commands.command()
async def cancel(
    interaction: discord.Interaction[Bare],
    orders: app_commands.Range[str, 1, 6000] | None = None,
    file: discord.Attachment | None = None,
) -> None:
    """Say that an answer is coming"""
    await interaction.response.defer(ephemeral=True, thinking=True)


if __name__ == "__main__":
    Bare().run(os.environ["DISCORD_TOKEN"])
