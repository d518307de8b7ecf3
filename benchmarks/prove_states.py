"""Proof: stories of everything that can happen to deliveries, in any order, and the promises hold after every step.

STEPS steps (default 20,000) of the state machine that the tests take 2,000 of, told anew each time.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from campaigns.database import Database
from service.upgrade import make_tables
from tests.campaigns.delivery.test_state_machine import tell_stories


def main() -> None:
    """Run the proof and end with its line of JSON; a story that breaks a promise is printed, and ends it."""
    with tempfile.TemporaryDirectory(prefix="dolen-states-") as folder:
        template = Path(folder) / "template.db"
        database = Database(f"sqlite:///{template}")
        make_tables(database)
        database.close()
        steps = tell_stories(template, int(os.environ.get("STEPS") or 20_000), same=False)
    print(json.dumps({"proof": "states", "steps": steps, "broken": 0}))


if __name__ == "__main__":
    main()
