"""Proof: whatever a client sends, the API answers as its contract says.

CASES requests in all (default 2000), spread over every operation and over DATABASE (sqlite, postgresql, both): half
made to fit the contract, half made to break it. Most ids that were made up become ids that exist. `default` answers
are left out of the contract that is checked, for under them any status would pass.

Checks: not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
response_schema_conformance, ignored_auth. Left out, because they take right answers for wrong ones:
- positive_data_acceptance: what fits the schema is refused where a gate, a state or another row stands in the way;
- negative_data_rejection: an absent body is an empty one, and If-Match takes `*`;
- missing_required_header: without If-Match we answer 428, with an old one 412; it knows neither;
- unsupported_method, allow_header_conformance: who has no token hears 401 before 405;
- use_after_free, ensure_resource_availability: what is archived stays readable, and a test's rows may go meanwhile;
- object_level_authorization: needs two callers; every route is tried with every role by `make prove NAME=access`.

Nothing leaves the machine: names are not looked up, and only loopback is dialled.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import tempfile
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from unittest import mock

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks
from sqlalchemy import select

from campaigns.base import public_id
from campaigns.stakeholders.tables import Involvement
from service import upgrade
from service.access import CONSOLE
from service.acts import begin, tokens, users
from service.app import create_app
from service.openapi import document
from service.permissions import SCOPES
from service.settings import load
from service.wiring import Wiring
from tests.postgres import cluster
from tests.service import samples

from .api_bodies import BODIES, COLLEAGUE, DIGEST

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.ignored_auth,
]
ID = re.compile(r"\b([a-z]{3})_[0-7][0-9A-HJKMNP-TV-Z]{12}\b")
DIGESTS = re.compile(r"sha256:[0-9a-f]{64}")
REMEMBERED = 3
WORLD_LASTS = 10
# An id that was made up and ends with one of these stays as it is; the others become ids that exist.
STRANGERS = "WXYZ"
FAILURE_SHOWN = 3000

Operation = APIOperation[Any, Any, Any, Any]


@dataclass
class Tally:
    """What the cases found. `failed` has the words of the first failure of each sort."""

    cases: int = 0
    failures: int = 0
    failed: dict[tuple[str, str], str] = field(default_factory=dict)
    answers: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))


class Ids:
    """Ids that exist, by prefix: first an example of the kind, then what the latest answers named."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.examples: dict[str, str] = {}
        self.named: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=REMEMBERED))
        self.worlds = 0

    def renew(self) -> None:
        """A programme with one example of each kind, untouched by earlier cases."""
        self.worlds += 1
        with self.wiring.database.write() as session:
            here = samples.programme(session, self.wiring.now(), f"World {self.worlds}")
            found = samples.world(session, self.wiring.now(), here)
            people = session.scalars(
                select(Involvement.stakeholder_id).where(Involvement.programme_id == here)
            )
            others = [public_id("stk", number) for number in people if number != found["stk"]]
        self.examples = {prefix: public_id(prefix, number) for prefix, number in found.items()}
        self.named.clear()
        self.named["stk"].extend(others)

    def learn(self, text: str) -> None:
        """Remember the ids that an answer names."""
        for found in ID.finditer(text):
            if found[0] not in self.known(found[1]):
                self.named[found[1]].append(found[0])

    def known(self, prefix: str) -> list[str]:
        """What exists of this kind."""
        return (
            [self.examples[prefix], *self.named[prefix]] if prefix in self.examples else [*self.named[prefix]]
        )

    def living(self, value: Any) -> Any:
        """The value with most of the ids in it replaced by ones that exist."""
        if isinstance(value, str) and (found := ID.fullmatch(value)):
            known = self.known(found[1])
            return known[ord(value[-2]) % len(known)] if known and value[-1] not in STRANGERS else value
        if isinstance(value, dict):
            return {key: self.living(inner) for key, inner in value.items()}
        return [self.living(inner) for inner in value] if isinstance(value, list) else value


class Proof:
    """One installation and what was tried on it; `say` hears how far it is."""

    def __init__(self, wiring: Wiring, say: Callable[[str], None] = lambda words: None) -> None:
        self.app = create_app(wiring=wiring)
        self.ids = Ids(wiring)
        self.spent = True
        self.say = say
        self.tally = Tally()
        self.headers = {"Authorization": f"Bearer {_administrator(wiring)}"}
        contract = schemathesis.openapi.from_dict(_named(json.loads(document(self.app))))
        contract.config.generation.update(with_security_parameters=False)  # the token is ours, not made up
        contract.app = self.app
        self.operations = [_read(found) for found in contract.get_all_operations()]

    def run(self, cases: int) -> Tally:
        """Try so many cases; an operation that has no more different ones leaves its share to the others."""
        left = [(one, mode) for mode in GenerationMode for one in self.operations]
        turn = 0
        while left and self.tally.cases < cases:
            turn += 1
            share, more = divmod(cases - self.tally.cases, len(left))
            asked = [(*one, share + (place < more)) for place, one in enumerate(left)]
            left = [
                (one, mode)
                for one, mode, wanted in asked
                if not wanted or self._operation(one, mode, wanted, turn) == wanted
            ]
        return self.tally

    def _operation(self, operation: Operation, mode: GenerationMode, wanted: int, turn: int) -> int:
        before = self.tally.cases

        @seed(turn)
        @settings(
            max_examples=wanted, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(operation.as_strategy(generation_mode=mode))
        def each(case: Case[Any]) -> None:
            if self.tally.cases - before < wanted:
                self._case(case, fits=mode.is_positive)

        with suppress(Unsatisfiable):  # without parameters and body nothing can be asked wrongly
            each()
        answers = dict(sorted(self.tally.answers[operation.label].items()))
        self.say(f"{self.tally.cases:6} {operation.label} {answers}")
        return self.tally.cases - before

    def _case(self, case: Case[Any], *, fits: bool) -> None:
        """One request and what the checks say of its answer; `fits`: it was made to fit the contract."""
        if self.spent or self.tally.cases % WORLD_LASTS == 0:
            self.ids.renew()
        self.tally.cases += 1
        if fits:
            self._aim(case)
        for part in ("path_parameters", "query", "body"):
            setattr(case, part, self.ids.living(getattr(case, part)))
        if isinstance(case.body, dict) and case.body.get("digest") == DIGEST:
            case.body["digest"] = self._digest(case.formatted_path)
        answer = case.call(headers=self.headers)
        self._judge(case, answer)
        if answer.status_code < 400:  # a refusal repeats what was made up
            self.ids.learn(answer.text)
        self.spent = case.method == "DELETE" and answer.status_code == 204

    def _judge(self, case: Case[Any], answer: schemathesis.Response) -> None:
        label = case.operation.label
        self.tally.answers[label][answer.status_code] += 1
        try:
            case.validate_response(
                answer, checks=CHECKS, headers=self.headers, transport_kwargs={"headers": self.headers}
            )
        except FailureGroup as failed:
            self.tally.failures += 1
            for one in failed.exceptions:
                self.tally.failed.setdefault((label, str(one)), f"{label}: {failed}"[:FAILURE_SHOWN])

    def _aim(self, case: Case[Any]) -> None:
        """Lead most cases past the first refusal: words in the path that exist, If-Match, half of the bodies."""
        number = self.tally.cases
        if number % 4:
            known = {name: word for name, word in samples.WORDS.items() if name in case.path_parameters}
            case.path_parameters = {**case.path_parameters, **known}
            if "If-Match" in case.headers:
                case.headers["If-Match"] = "*"
        if number % 2 and (body := BODIES.get(case.operation.label)):
            made_up = case.body if number % 4 == 1 and isinstance(case.body, dict) else {}
            case.body = {**made_up, **body}

    def _digest(self, path: str) -> str:
        """The digest that whoever decides at this path has read, one or two steps above it."""
        above = path.rpartition("/")[0]
        client = self.app.test_client()
        for place in (above, above.rpartition("/")[0]):
            if found := DIGESTS.search(client.get(place, headers=self.headers).text):
                return found[0]
        return DIGEST


@contextmanager
def alone() -> Iterator[None]:
    """Nothing of this process reaches another machine, nor a name server."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connect_here(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not ip_address(address[0]).is_loopback:
            raise OSError("the proof reaches no other machine")
        connect(sock, address)

    def look_up_here(host: Any, *rest: Any, **more: Any) -> Any:
        if host not in (None, "localhost", "127.0.0.1", "::1"):
            raise socket.gaierror(socket.EAI_NONAME, "the proof asks no name server")
        return look_up(host, *rest, **more)

    with (
        mock.patch.object(socket.socket, "connect", connect_here),
        mock.patch.object(socket, "getaddrinfo", look_up_here),
    ):
        yield


def prove(url: str, cases: int) -> Tally:
    """Try so many cases on a new installation; on SQLite without a URL."""
    with tempfile.TemporaryDirectory() as folder, alone():
        data = {
            "DOLEN__DATA__DIR": f"{folder}/data",
            "DOLEN__CONNECTORS__LOCAL": "true",
            "DOLEN__DATABASE__URL": url,
            "DOLEN__LOG__LEVEL": "error",
            "DOLEN__HTTP__CALLS_PER_MIN": "0",
        }
        wiring = Wiring(load(data))
        upgrade.upgrade(wiring)
        tally = Proof(wiring, lambda words: print(words, file=sys.stderr)).run(cases)
        wiring.close()
    return tally


def _read(found: Any) -> Operation:
    if not isinstance(found, Ok):
        raise found.err()
    operation: Operation = found.ok()
    return operation


def _named(contract: dict[str, Any]) -> dict[str, Any]:
    """The contract with only those answers that are named by their status."""
    for item in contract["paths"].values():
        for operation in item.values():
            if "responses" in operation:
                operation["responses"].pop("default")
    return contract


def _administrator(wiring: Wiring) -> str:
    with begin(wiring, CONSOLE) as act:
        user = users.create(act, name="Prover", email=COLLEAGUE)
        users.grant(act, role="administrator", user_id=user.id)
        return tokens.make(
            act, name="proof", kind="person", user_id=user.id, scopes=list(SCOPES), defaults={},
            expires_at=act.now + timedelta(days=1), grants=[],
        ).text  # fmt: skip


def everywhere(chosen: str, cases: int) -> list[Tally]:
    """The tallies of the databases that were chosen, which share the cases."""
    if chosen == "sqlite":
        return [prove("", cases)]
    with cluster(durable=False) as server:
        here = cases // 2 if chosen == "both" else 0
        first = [prove("", here)] if here else []
        return [*first, prove(server.create("proof"), cases - here)]


def main() -> None:
    """Run the proof and end with its line of JSON."""
    tallies = everywhere(os.environ.get("DATABASE") or "both", int(os.environ.get("CASES") or 2000))
    for tally in tallies:
        for words in dict.fromkeys(tally.failed.values()):
            print(f"\n{words}", file=sys.stderr)
    failures = sum(one.failures for one in tallies)
    print(json.dumps({"proof": "api", "cases": sum(one.cases for one in tallies), "failures": failures}))
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
