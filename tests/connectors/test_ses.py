"""Amazon SES and SNS against doubles of them: signed requests, what each answer means, and what Amazon pushes."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from connectors import registry
from connectors.api import (
    AccountGone,
    BadSettings,
    Call,
    Connector,
    ConnectorError,
    Deferred,
    Heard,
    NotAuthentic,
    NotYet,
    Refused,
    Uncertain,
)
from connectors.ses.hooks import SIGNED
from connectors.ses.signing import Key, signed
from connectors.testing import FarHooks, HookContract, OutboundContract, ReadContract, RepeatContract

from . import far
from .far import Asked, Said
from .mail_apis import NOW, FarMail, MailService, call, calling, letter, outbound

ARN = "arn:aws:sns:eu-west-2:123456789012:dolen"
HOST = "https://sns.eu-west-2.amazonaws.com"
PEM, OLD_PEM = (f"/SimpleNotificationService-{digit * 32}.pem" for digit in "ab")
SECRETS = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG"}


@cache
def private(path: str) -> rsa.RSAPrivateKey:
    """Amazon's key for a certificate at a path."""
    return rsa.generate_private_key(65537, 2048)


@cache
def certificate(path: str, ends: datetime = NOW + timedelta(days=30)) -> str:
    """The certificate at a path."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    key = private(path)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    dated = made.not_valid_before(ends - timedelta(days=90)).not_valid_after(ends)
    return dated.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


def known(*paths: str) -> str:
    """Certificates as an account keeps them."""
    return json.dumps({path: certificate(path) for path in paths})


@dataclass
class Amazon(MailService):
    """What SES and SNS know."""

    connector = "ses"
    enabled: bool = True
    confirmed: list[str] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        if asked.path in (PEM, OLD_PEM):
            return Said(200, certificate(asked.path).encode())
        if asked.path == "/":
            self.confirmed.append(asked.query["TopicArn"])
            return Said(200, b"<ConfirmSubscriptionResponse/>")
        if not self._is_signed(asked):
            return far.sample("ses", "unauthorized")
        if asked.path == "/v2/email/account":
            return Said(200, {"SendingEnabled": self.enabled, "ProductionAccessEnabled": True})
        if asked.path != "/v2/email/outbound-emails":
            return Said(404, {"message": "No such page"})
        mail = asked.json()
        whole, words = letter(b64decode(mail["Content"]["Raw"]["Data"]))
        name = f"010a0192b3c4d5e6-{len(self.taken):08}-000000"
        self.take(name, str(whole["Message-ID"]), words, mail)
        return Said(200, {"MessageId": name})

    def _is_signed(self, asked: Asked) -> bool:
        at = datetime.strptime(asked.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        told = {"Content-Type": asked.headers["content-type"]} if asked.body else {}
        key = Key(SECRETS["access_key_id"], SECRETS["secret_access_key"], "eu-west-2", "ses")
        url = f"http://{asked.headers['host']}{asked.path}"
        right = signed(key, at, asked.method, url, told, asked.body)["Authorization"]
        return asked.headers["authorization"] == right


def account(port: int, certificates: str = "", **values: Any) -> Connector:
    told = {"base_url": f"http://127.0.0.1:{port}", "deadline_s": 5, "region": "eu-west-2", "topic_arn": ARN}
    return registry.connect("ses", {**told, **values}, {**SECRETS, "sns_certificates": certificates})


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    with far.running(Amazon()) as running:
        yield running


def pushed(said: Any, path: str = PEM, version: str = "2", **values: str) -> Call:
    """A call as Amazon signs it; what is said is the Message, or its own text."""
    told = {
        "Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": ARN,
        "Message": said if isinstance(said, str) else json.dumps(said), "Timestamp": "2026-11-02T09:00:03.000Z",
        "SigningCertURL": HOST + path, "SignatureVersion": version, **values,
    }  # fmt: skip
    lines = "".join(f"{name}\n{told[name]}\n" for name in SIGNED[told["Type"]] if name in told)
    proof = private(path).sign(lines.encode(), PKCS1v15(), SHA1() if version == "1" else SHA256())
    return call({**told, "Signature": b64encode(proof).decode()}, {"x-amz-sns-topic-arn": ARN})


@cache
def listening() -> Connector:
    """An account that knows both certificates."""
    return account(1, known(PEM, OLD_PEM))


def heard(called: Call) -> Heard:
    hooks = listening().hooks
    assert hooks is not None
    return hooks(called)


# --- the signature of requests
def test_a_request_is_signed_as_amazons_own_examples_are() -> None:
    """The examples get-vanilla and post-vanilla of Amazon's test suite for Signature Version 4."""
    key = Key("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service")
    at = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    for method, right in (
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ):
        proof = signed(key, at, method, "https://example.amazonaws.com/", {}, b"")["Authorization"]
        assert proof == (
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            f"SignedHeaders=host;x-amz-date, Signature={right}"
        )


# --- sending
def test_a_mail_goes_whole_and_with_our_name_beside_it(amazon: Amazon) -> None:
    """D2"""
    account(amazon.port, configuration_set="newyddion").send(outbound(html="<p>Dewch</p>"))
    mail = amazon.taken[0].whole
    assert mail["FromEmailAddress"] == "newyddion@news.mon.example"
    assert mail["Destination"] == {"ToAddresses": ["sian1@ysgol.example"]}
    assert mail["ConfigurationSetName"] == "newyddion"
    assert bytes.fromhex(mail["EmailTags"][0]["Value"]) == b"dlv_0000000000001@news.mon.example"
    whole, _ = letter(b64decode(mail["Content"]["Raw"]["Data"]))
    assert whole["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_no_mail_is_tracked_unless_the_account_wants_it(amazon: Amazon) -> None:
    """F6"""
    account(amazon.port).send(outbound(1))
    account(amazon.port, tracking=True).send(outbound(2))
    asked = [one.whole.get("ConfigurationOverrides") for one in amazon.taken]
    assert asked == [
        {"Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}},
        None,
    ]


@pytest.mark.parametrize(
    "told, error, code",
    [
        ("unauthorized", AccountGone, "InvalidSignatureException"),
        ("paused", AccountGone, "SendingPausedException"),
        ("not_verified", AccountGone, "MessageRejected"),
        ("rate_limited", Deferred, "TooManyRequestsException"),
        ("refused", Refused, "BadRequestException"),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}", Uncertain, ""),
        (b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", Uncertain, "503"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    amazon: Amazon, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    amazon.once[""] = told
    with pytest.raises(ConnectorError) as caught:
        account(amazon.port).send(outbound())
    assert type(caught.value) is error and caught.value.code == code


def test_a_daily_quota_frees_itself_bit_by_bit(amazon: Amazon) -> None:
    amazon.once[""] = "quota"
    with pytest.raises(Deferred) as caught:
        account(amazon.port).send(outbound())
    assert (caught.value.scope, caught.value.retry_after_s) == ("account", 900.0)


def test_an_account_that_may_not_send_is_told_so(amazon: Amazon) -> None:
    amazon.enabled = False
    with pytest.raises(AccountGone):
        account(amazon.port).verify()


# --- what Amazon tells
@pytest.mark.parametrize(
    "sample, kind, hard",
    [
        ("delivery", "delivered", False),
        ("bounce", "bounce", True),
        ("bounce_transient", "bounce", False),
        ("bounce_suppressed", "bounce", False),
        ("complaint", "complaint", False),
        ("open", "opened", False),
        ("click", "clicked", False),
        ("subscription", "opt_out", False),
    ],
)
def test_an_event_as_amazon_tells_it_is_told_in_our_words(sample: str, kind: str, hard: bool) -> None:
    event = heard(pushed(calling("ses", sample))).events[0]
    assert (event.kind, event.hard, event.about) == (kind, hard, "sian1@ysgol.example")
    assert event.provider_id == "010a0192b3c4d5e6-00000000-000000"
    assert event.references == ("<dlv_0000000000001@news.mon.example>",)


def test_feedback_without_a_configuration_set_is_understood_too() -> None:
    told = calling("ses", "bounce")
    told["notificationType"] = told.pop("eventType")
    del told["mail"]["tags"]
    assert heard(pushed(told)).events[0].hard


def test_a_complaint_that_says_it_is_none_closes_nothing() -> None:
    """H15"""
    told = calling("ses", "complaint")
    told["complaint"]["complaintFeedbackType"] = "not-spam"
    assert heard(pushed(told)) == Heard()
    some = calling("ses", "subscription")
    some["subscription"]["newTopicPreferences"]["unsubscribeAll"] = False
    assert heard(pushed(some)) == Heard()


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_ways_of_signing_are_believed(version: str) -> None:
    assert heard(pushed(calling("ses", "delivery"), version=version, Subject="Amazon SES")).events


@pytest.mark.parametrize(
    "values",
    [
        {"SigningCertURL": f"https://sns.eu-west-2.amazonaws.com.evil.example{PEM}"},
        {"SigningCertURL": f"http://sns.eu-west-2.amazonaws.com{PEM}"},
        {"SigningCertURL": f"https://sns.us-east-1.amazonaws.com{PEM}"},
        {"SigningCertURL": f"https://evil@sns.eu-west-2.amazonaws.com{PEM}"},
        {"SigningCertURL": f"https://sns.eu-west-2.amazonaws.com/{PEM}"},
        {"SigningCertURL": "https://sns.eu-west-2.amazonaws.com/upload/mine.pem"},
        {"SigningCertURL": ""},
        {"TopicArn": "arn:aws:sns:eu-west-2:999999999999:dolen"},
        {"SignatureVersion": "3"},
        {"Type": "Notice"},
        {"Signature": ""},
    ],
)  # fmt: skip
def test_a_call_that_leads_elsewhere_proves_nothing_and_nobody_goes_there(values: dict[str, str]) -> None:
    """H11"""
    good = pushed(calling("ses", "delivery"))
    wrong = replace(good, body=json.dumps({**json.loads(good.body), **values}).encode())
    connector = account(1, known(PEM))
    assert connector.hooks is not None and connector.prepare is not None
    for face in (connector.hooks, connector.prepare):
        with pytest.raises(NotAuthentic):
            face(wrong)


def test_a_topic_in_china_has_its_certificates_there() -> None:
    """H11"""
    arn = "arn:aws-cn:sns:cn-north-1:123456789012:dolen"
    hooks = account(1, known(PEM), topic_arn=arn).hooks
    assert hooks is not None
    there = f"https://sns.cn-north-1.amazonaws.com.cn{PEM}"
    assert hooks(pushed(calling("ses", "delivery"), TopicArn=arn, SigningCertURL=there)).events
    for elsewhere in (there.replace(".com.cn", ".com"), there.replace(".com.cn", ".com.cn.evil.example")):
        with pytest.raises(NotAuthentic):
            hooks(pushed(calling("ses", "delivery"), TopicArn=arn, SigningCertURL=elsewhere))


def test_an_unknown_certificate_is_fetched_aside_and_then_believed(amazon: Amazon) -> None:
    connector, called = account(amazon.port), pushed(calling("ses", "delivery"))
    assert connector.hooks is not None and connector.prepare is not None
    with pytest.raises(NotYet):
        connector.hooks(called)
    learnt = connector.prepare(called)
    assert learnt is not None and amazon.asked[-1].path == PEM
    after = account(amazon.port, learnt.secrets["sns_certificates"])
    assert after.hooks is not None and after.hooks(called).events
    with pytest.raises(NotYet):
        after.hooks(pushed(calling("ses", "delivery"), OLD_PEM))


def test_a_certificate_is_kept_only_where_it_proves_the_call_that_named_it(amazon: Amazon) -> None:
    """H11: whoever knows the topic could have us change a good one for Amazon's older ones, call by call."""
    connector, genuine = account(amazon.port), pushed(calling("ses", "delivery"))
    forged = replace(genuine, body=genuine.body.replace(PEM.encode(), OLD_PEM.encode()))
    assert connector.prepare is not None and forged.body != genuine.body
    with pytest.raises(NotAuthentic):
        connector.prepare(forged)
    assert amazon.asked[-1].path == OLD_PEM


def test_a_certificate_that_has_ended_proves_nothing() -> None:
    ended = json.dumps({PEM: certificate(PEM, NOW - timedelta(days=1)), OLD_PEM: "no certificate"})
    hooks = account(1, ended).hooks
    assert hooks is not None
    for path in (PEM, OLD_PEM):
        with pytest.raises(NotAuthentic):
            hooks(pushed(calling("ses", "delivery"), path))


def asks(url: str) -> Call:
    """Amazon asks whether we want to hear a topic."""
    return pushed(
        "You have chosen to subscribe", Type="SubscriptionConfirmation", Token="t", SubscribeURL=url
    )


def test_a_subscription_is_confirmed_aside_once_it_is_proven(amazon: Amazon) -> None:
    """H11"""
    connector = account(amazon.port, known(PEM))
    called = asks(f"{HOST}/?Action=ConfirmSubscription&TopicArn={ARN}&Token=t")
    assert connector.hooks is not None and connector.prepare is not None
    with pytest.raises(NotYet):
        connector.hooks(called)
    assert amazon.confirmed == [] and connector.prepare(called) is None
    assert amazon.confirmed == [ARN]


@pytest.mark.parametrize(
    "url",
    [
        f"https://evil.example/?Action=ConfirmSubscription&TopicArn={ARN}", f"{HOST}/?Action=Publish&TopicArn={ARN}",
        f"{HOST}/?Action=ConfirmSubscription&TopicArn={ARN}x", f"{HOST}/x?Action=ConfirmSubscription&TopicArn={ARN}",
        f"http://sns.eu-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn={ARN}", "",
    ],
)  # fmt: skip
def test_a_confirmation_never_leads_us_elsewhere(amazon: Amazon, url: str) -> None:
    """H11: not even one that Amazon has signed."""
    connector = account(amazon.port, known(PEM))
    assert connector.prepare is not None
    with pytest.raises(NotAuthentic):
        connector.prepare(asks(url))
    assert amazon.asked == []


def test_that_events_will_stop_is_kept_for_a_person() -> None:
    end = pushed("bye", Type="UnsubscribeConfirmation", Token="t", SubscribeURL=f"{HOST}/")
    assert "UnsubscribeConfirmation" in heard(end).parked[0]


def test_settings_that_make_no_sense_are_named() -> None:
    for wrong in ({"region": "Cymru"}, {"topic_arn": "dolen"}, {"base_url": "https://ses.example"}):
        with pytest.raises(BadSettings) as caught:
            account(1, **wrong)
        assert set(caught.value.problems) == set(wrong)
    plain = registry.connect("ses", {"region": "eu-west-2"}, SECRETS)
    assert plain.hooks is None and plain.prepare is None


class TestContract(OutboundContract, RepeatContract):
    """SES keeps the promises of every connector."""

    @pytest.fixture
    def far(self, amazon: Amazon) -> FarMail:
        return FarMail(amazon, account, [*SECRETS.values()])


class FarSns(FarHooks):
    """Amazon's calls: the proof stands in the body, and covers some of its fields."""

    signs_body = False
    timed = False
    batches = False

    def connector(self) -> Connector:
        return listening()

    def call(self) -> Call:
        return pushed(calling("ses", "delivery"))

    def older(self) -> Call:
        return pushed(calling("ses", "delivery"), OLD_PEM, version="1")

    def spoilt(self) -> Call:
        return pushed("not JSON")

    def flips(self, call: Call) -> list[Call]:
        told = json.loads(call.body)
        names = [name for name in (*SIGNED["Notification"], "Signature", "SignatureVersion") if name in told]
        return [
            replace(call, body=json.dumps({**told, name: value}).encode())
            for name in names
            for value in _flipped(told[name])
        ]

    def bare(self, call: Call) -> list[Call]:
        told = json.loads(call.body)
        ways = [
            {**told, "Signature": ""},
            {**told, "Signature": told["Signature"][:-1]},
            {key: told[key] for key in told if key != "Signature"},
            {},
            [],
        ]
        return [replace(call, body=json.dumps(each).encode()) for each in ways]


class TestHooks(HookContract, ReadContract):
    """Amazon's calls are heard as every provider's."""

    @pytest.fixture
    def far(self) -> FarSns:
        return FarSns()


def _flipped(text: str) -> list[str]:
    return [
        text[:place] + chr(ord(text[place]) ^ (1 << bit)) + text[place + 1 :]
        for place in range(len(text))
        for bit in range(7)
    ]
