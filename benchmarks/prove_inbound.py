"""Proof: of a corpus of incoming mail, reports and machines' answers are told for what they are, and nobody is dropped.

A mail counts as right where every event of it says its kind, whom it is about, whether it is for good, its token and,
where somebody wrote, exactly their words.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

from tests.corpus.mail import samples
from tests.corpus.mail.judge import is_dropped, mistakes

SHARES = {"dsn": 0.99, "arf": 0.99, "auto_reply": 0.99}
FEWEST = {"dsn": 120, "arf": 30, "auto_reply": 100, "person": 100}


def main() -> int:
    """Run the proof and end with its line of JSON."""
    corpus = samples()
    every, right = Counter(sample.group for sample in corpus), Counter[str]()
    dropped = 0
    for sample in corpus:
        wrong = mistakes(sample)
        right[sample.group] += not wrong
        dropped += is_dropped(sample)
        for one in wrong:
            print(f"{sample.group}: {sample.name}: {one}", file=sys.stderr)
    shares = {group: right[group] / every[group] for group in every}
    told = {
        "proof": "inbound",
        "messages": len(corpus),
        "dsn": round(shares["dsn"], 4),
        "arf": round(shares["arf"], 4),
        "auto_replies": round(shares["auto_reply"], 4),
        "people_dropped": dropped,
        "people_exact": round(shares["person"], 4),
    }
    print(json.dumps(told))
    enough = all(every[group] >= fewest for group, fewest in FEWEST.items())
    good = all(shares[group] >= share for group, share in SHARES.items())
    return 0 if enough and good and not dropped else 1


if __name__ == "__main__":
    sys.exit(main())
