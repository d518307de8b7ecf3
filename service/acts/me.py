"""What people may do with their own account: name, language, password, second step, where they are signed in.

Rules: what opens the account is changed only by whoever proved before the transaction that they know the password;
every login ends with such a change, and the page that changed it begins a new one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select

from campaigns import zones
from campaigns.errors import BadField, Conflict, Forbidden, NotFound
from campaigns.stakeholders.text import clean

from .. import logins, notices, passwords, second_step, words
from ..passwords import Proof
from ..tables import Login, User
from . import Act


def get(act: Act, *, lock: bool = False) -> User:
    """Who asks."""
    if act.caller.user_id is None:
        raise Forbidden("only a person has an account of their own")
    return act.one(User, act.caller.user_id, lock=lock)


def change(act: Act, **values: Any) -> User:
    """Change name, language, zone or the languages one answers in."""
    user = get(act, lock=True)
    if "name" in values:
        values["name"] = clean(values["name"], "/name")
    if values.get("language", words.DEFAULT) not in words.LANGUAGES:
        raise BadField("Dolen does not speak this language", pointer="/language")
    if values.get("zone"):
        values["zone"] = zones.canonical(values["zone"])
    for name, value in values.items():
        setattr(user, name, value)
    user.touch(act.now)
    act.note("user.changed", "user", user.id, after={"fields": sorted(values)})
    return user


def choose_notices(act: Act, kinds: Collection[str]) -> None:
    """Be told of exactly these kinds by mail from now on."""
    user = get(act)
    notices.choose(act.session, user.id, kinds)
    act.note("user.notices_chosen", "user", user.id)


def change_password(act: Act, proof: Proof, new: passwords.Hash) -> None:
    """A new password for whoever knows the old one; signed out everywhere."""
    user = _proven(act, proof)
    passwords.keep(act.session, act.now, user, new)
    act.note("user.password_changed", "user", user.id)


def take_second_step(act: Act, proof: Proof, sealed: str, code: str) -> list[str]:
    """From now on a code is asked too; the codes on paper, shown this once."""
    user = _proven(act, proof)
    ring = act.wiring.keyring
    proposal = second_step.again(ring, act.now, user, sealed)
    codes = second_step.take(act.session, ring, act.now, user, proposal, code)
    act.note("user.second_step_taken", "user", user.id)
    return codes


def new_paper(act: Act, proof: Proof) -> list[str]:
    """New codes on paper; the old ones work no longer."""
    user = _proven(act, proof)
    if user.second_step is None:
        raise Conflict("there is no second step yet: set it up first")
    act.note("user.paper_codes_made", "user", user.id)
    return second_step.paper(act.session, act.now, user)


def drop_second_step(act: Act, proof: Proof) -> None:
    """A password is enough again, where the policy allows it."""
    user = _proven(act, proof)
    second_step.drop(act.session, act.now, user)
    act.session.flush()
    if second_step.due(act.session, act.caller, user):
        raise Forbidden("a second step is asked of you here; replace it instead")
    act.note("user.second_step_dropped", "user", user.id)


def signed_in(act: Act) -> Sequence[Login]:
    """Where one is signed in, the newest first."""
    return logins.of_user(act.session, act.now, get(act).id)


def sign_out(act: Act, login_id: int) -> None:
    """Out at one browser."""
    login = act.session.scalar(select(Login).where(Login.id == login_id, Login.user_id == get(act).id))
    if login is None:
        raise NotFound("no such thing")
    logins.end(act.session, login.id)


def sign_out_others(act: Act, login_id: int | None) -> None:
    """Out everywhere but at this browser; None: everywhere."""
    user = get(act)
    logins.end_all(act.session, user.id, but=login_id)
    act.note("user.signed_out", "user", user.id)


def _proven(act: Act, proof: Proof) -> User:
    """Who asks, where it is the password they have now that was proven."""
    user = get(act, lock=True)
    if proof != Proof(user.id, user.password_hash):
        raise Conflict("your password has changed meanwhile: sign in anew")
    return user
