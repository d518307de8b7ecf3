"""Today: the first page after signing in. What waits for me, what goes out, what came in, what went wrong."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, request

from campaigns.base import parse_id
from campaigns.errors import BadField

from ..acts import by_hand, listing, messages, missed_runs, relationships, today
from . import first, frame, tour
from . import tasks as todo

pages = frame.Pages("today")
# What a person may say of a delivery that nobody was sure of, and what is written down as evidence where they add none.
OUTCOMES = ("sent", "queued", "failed")


@pages.page("/")
def morning(status: int = 200) -> Response:
    """The day at one look; every number leads to its rows."""
    act, may = frame.act(), frame.may
    local = act.now.astimezone(frame.reader_zone())
    tonight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    since = act.now - timedelta(days=1)
    reads = may("messages:read")
    unsure_count, unsure = today.unsure(act) if reads else (0, [])
    kinds, newest = today.came_in(act, since) if may("responses:read") else ({}, [])
    approvals, reviews = today.approvals(act), today.urgent_reviews(act)
    going, failed = (today.going(act, tonight), today.failed(act, since)) if reads else ([], [])
    answers = today.answers(act) if may("responses:read") else None
    missed = missed_runs.recent(act) if reads else []
    told = [one for _, one in missed] + [one.message for one in going] + approvals
    moved = today.moved_by_clocks(act) if reads else []
    told += [one for _, one in reviews] + [one for one, _ in failed] + [one.message for one in moved]
    return frame.show(
        "today", status,
        answers=answers, senders=today.senders(act, [*newest, *(answers.rows if answers else ())]),
        approvals=approvals, agreements=today.agreements(act), reviews=reviews,
        unsure=unsure, unsure_count=unsure_count, going=going,
        calls=listing.called(act, [one.id for one in told]),
        kinds=kinds, newest=newest, accounts=today.accounts_out(act) if may("connectors:read") else [],
        failed=failed, stops=today.stops(act) if reads else [],
        gaps=today.gaps(act) if reads else [],
        missed=missed, moved=moved, by_hand=by_hand.waiting(act) if reads else [],
        health=today.health(act), touring=tour.running(), first=first.standing(), people=relationships.names(act, ()),
        due=relationships.reviews_due(act, local.date(), mine=True).rows if may("stakeholders:read") else [],
        promises=today.promises_due(act, local.date()) if may("stakeholders:read") else [],
        **todo.mine_due(tonight),
    )  # fmt: skip


@pages.page("/missed/<occ:number>", "POST")
def decide_missed(number: int) -> Response:
    """Say of what nobody was there to send whether it still goes."""

    def done() -> Response:
        missed_runs.decide(frame.act(), number, go=request.form.get("go") == "yes")
        return frame.go("pages_today.morning", done="decided")

    return frame.trying(done) or morning(422)


@pages.page("/unsure", "POST")
def decide() -> Response:
    """Say of one or several deliveries what became of them."""
    outcome, evidence = request.form.get("outcome", ""), request.form.get("evidence", "")
    chosen = [parse_id("dlv", one) for one in request.form.getlist("row")]

    def done() -> Response:
        if outcome not in OUTCOMES or not chosen:
            raise BadField("choose at least one, and say what became of it", pointer="/row")
        for number in chosen:
            messages.decide_delivery(frame.act(), number, outcome=outcome, evidence=evidence)
        return frame.go("pages_today.morning", done="decided")

    return frame.trying(done) or morning(422)
