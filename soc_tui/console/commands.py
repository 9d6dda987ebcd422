"""The console's entries in the command palette."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

from textual.command import DiscoveryHit, Hit, Hits, Provider

COMMANDS = (
    ("Repair the selected alert", "main.repair", "Show the plan and the exact commands"),
    ("Undo the last repair", "main.undo", "Take back the last action, after asking"),
    ("Close the selected alerts", "main.set_state('closed')", "o reopens"),
    ("Acknowledge the selected alerts", "main.set_state('acknowledged')", "Somebody looks at it"),
    ("Mark as false positive", "main.set_state('false-positive')", "o reopens"),
    ("Mark as true positive", "main.set_state('true-positive')", "o reopens"),
    ("Reopen the selected alerts", "main.set_state('open')", ""),
    ("Suppress the selected alert", "main.suppress", "Hide it and its like for a time, with a reason"),
    ("Show the suppressions", "main.suppressions", "What is hidden, why, until when; end it"),
    ("List suppressed alerts too, or no more", "main.hidden", ""),
    ("Filter alerts", "main.filter", "severity:>=high src:10.0.0.0/8"),
    ("Show the evidence", "main.evidence", "The raw records of the selected alert"),
    ("Show the attacker", "main.attacker", "All that is known of the source address"),
    ("Show the events", "app.events", "Everything that was read"),
    ("Show the status", "app.status", "The seven modules and the sources"),
    ("Show the keys", "app.help", ""),
    ("Pause or resume live updates", "app.pause", ""),
    ("Reconnect to the engine now", "app.reconnect", "Do not wait for the back-off"),
)
"""Title, action, help; ``main.`` actions run on the main screen."""


class ConsoleCommands(Provider):
    """Every action of the console, by name."""

    async def discover(self) -> Hits:
        """All commands, before anything is typed."""
        for title, action, says in COMMANDS:
            yield DiscoveryHit(title, self._runner(action), help=says)

    async def search(self, query: str) -> Hits:
        """The commands whose title matches."""
        matcher = self.matcher(query)
        for title, action, says in COMMANDS:
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), self._runner(action), help=says)

    def _runner(self, action: str) -> Callable[[], Coroutine[None, None, None]]:
        app = self.app

        async def run() -> None:
            if action.startswith("main."):
                await app.run_action(action.removeprefix("main."), default_namespace=app.screen_stack[0])
            else:
                await app.run_action(action)

        return run
