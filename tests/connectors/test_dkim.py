"""A signature holds for what was signed, and for nothing else."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings

from connectors import mail, registry
from connectors.api import BadSettings
from connectors.smtp.dkim import Signer

from .hostile import Hostile, listening
from .test_mail_build import LETTER, anything, one_line

RSA = generate_rsa(65537, 2048)
EDWARDS = Ed25519PrivateKey.generate()
KEYS = pytest.mark.parametrize("key", [RSA, EDWARDS], ids=["rsa", "ed25519"])
HEADERS = {
    "List-Unsubscribe": "<https://post.example/u/abc>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}
SIGNED = mail.build(replace(LETTER, headers=HEADERS))


def pem(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def signer(key: RSAPrivateKey | Ed25519PrivateKey) -> Signer:
    return Signer(pem(key), "s1", "cyngor.example")


def holds(raw: bytes, key: RSAPrivateKey | Ed25519PrivateKey) -> bool:
    """What another's library says, with the public key as DNS would give it."""
    if isinstance(key, RSAPrivateKey):
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        record = b"v=DKIM1; k=rsa; p=" + b64encode(public)
    else:
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        record = b"v=DKIM1; k=ed25519; p=" + b64encode(public)

    def dns(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"s1._domainkey.cyngor.example."
        return record

    return bool(dkim.verify(raw, dnsfunc=dns))


@KEYS
def test_any_mail_is_signed_so_that_it_holds(key: RSAPrivateKey | Ed25519PrivateKey) -> None:
    signing = signer(key)

    @given(subject=one_line, text=anything, html=anything)
    @settings(max_examples=40, deadline=None)
    def each(subject: str, text: str, html: str) -> None:
        raw = signing.signed(mail.build(replace(LETTER, subject=subject, text=text, html=html)))
        assert holds(raw, key)
        assert max(map(len, raw.partition(b"\r\nFrom:")[0].split(b"\r\n"))) <= 78

    each()


@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"a", b"a \t b\t\r\n\r\n\r\n", b" \r\na  \r\n", b"\t\r\n \r\n"]
)
def test_blanks_and_empty_lines_are_seen_as_the_standard_sees_them(body: bytes) -> None:
    """RFC 6376 3.4.4"""
    raw = b"From: a@cyngor.example\r\nSubject:  two   blanks \r\n\tand a fold\r\n\r\n" + body
    assert holds(signer(RSA).signed(raw), RSA)


@pytest.mark.parametrize(
    "old, new",
    [
        (b"Subject: Cyfarfod", b"Subject: Cinio"),
        (b"\r\nTo: ", b"\r\nTo: else@example.org\r\nTo: "),
        (b"\r\nSubject: ", b"\r\nSubject: other\r\nSubject: "),
        (b"\r\nFrom: ", b"\r\nFrom: boss@cyngor.example\r\nFrom: "),
        (b"\r\nMIME-Version", b"\r\nList-Id: <x>\r\nMIME-Version"),
        (b"/u/abc", b"/u/abd"),
        (b"Dewch draw", b"Dewch yma"),
    ],
)
def test_what_is_changed_or_added_on_the_way_breaks_it(old: bytes, new: bytes) -> None:
    """A second header counts as much as a changed one: mail programs differ in which of two they show."""
    raw = signer(RSA).signed(SIGNED)
    assert holds(raw, RSA) and old in raw
    assert not holds(raw.replace(old, new), RSA)


@KEYS
def test_the_same_mail_gets_the_same_signature(key: RSAPrivateKey | Ed25519PrivateKey) -> None:
    assert signer(key).signed(SIGNED) == signer(key).signed(SIGNED)


def test_the_date_may_be_the_relays() -> None:
    raw = signer(RSA).signed(mail.build(replace(LETTER, since=None)))
    assert holds(raw.replace(b"\r\nTo:", b"\r\nDate: Mon, 2 Nov 2026 09:00:00 +0000\r\nTo:"), RSA)
    dated = signer(RSA).signed(mail.build(replace(LETTER, since=datetime(2026, 11, 2, tzinfo=UTC))))
    assert not holds(dated.replace(b"02 Nov", b"03 Nov"), RSA)


def test_a_key_may_come_without_its_line_ends() -> None:
    """A field of one line swallows them."""
    for spoilt in (pem(RSA).replace("\n", ""), pem(RSA).replace("\n", " "), pem(RSA).replace("\n", "\r\n")):
        assert holds(Signer(spoilt, "s1", "cyngor.example").signed(SIGNED), RSA)


@pytest.mark.parametrize(
    "key, selector, domain, words",
    [
        ("cyfrinach", "s1", "a.example", "not a private key"),
        (pem(generate_rsa(65537, 1024)), "s1", "a.example", "at least 2048 bits"),
        (
            generate_private_key(SECP256R1())
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            .decode(),
            "s1",
            "a.example",
            "Ed25519",
        ),
        (pem(RSA), "", "a.example", "dkim_selector"),
        (pem(RSA), "s1;", "a.example", "dkim_selector"),
        (pem(RSA), "s1", "a b", "dkim_domain"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_by_name(key: str, selector: str, domain: str, words: str) -> None:
    told = {"host": "127.0.0.1", "dkim_selector": selector, "dkim_domain": domain}
    with pytest.raises(BadSettings) as caught:
        registry.connect("smtp", told, {"dkim_key": key})
    assert re.search(words, caught.value.problems["dkim_key"])


def test_an_account_with_a_key_signs_what_it_sends() -> None:
    server = Hostile({})
    letter = replace(LETTER, options={"envelope_from": "mail-1@bounces.example"})
    told = {"security": "off", "dkim_selector": "s1", "dkim_domain": "cyngor.example"}
    with listening(server) as port:
        connector = registry.connect(
            "smtp", {"host": "127.0.0.1", "port": port, **told}, {"dkim_key": pem(RSA)}
        )
        connector.send(letter)
        connector.close()
    assert holds(server.book.contents["mail-1"], RSA)
