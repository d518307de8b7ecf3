"""A method for every operation of the API, written by `make client`."""

from __future__ import annotations

from typing import Literal

from . import types
from .call import Caller, filled


class Client(Caller):
    """The API, at one address and with one token."""

    def get_audit_entries(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        actor: str | None = None,
        kind: str | None = None,
        ref: str | None = None,
        programme_id: str | None = None,
    ) -> types.AuditOutPage:
        """List who did what in the programmes you audit, newest first."""
        found: types.AuditOutPage = self.call(
            "GET",
            "/v1/audit_entries",
            query={
                "limit": limit,
                "after": after,
                "before": before,
                "actor": actor,
                "kind": kind,
                "ref": ref,
                "programme_id": programme_id,
            },
        )
        return found

    def get_batches(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        kind: Literal["due", "late", "leased", "dead"] | None = None,
    ) -> types.BatchOutPage:
        """List work that is due, late, in a worker's hands, or lost workers."""
        found: types.BatchOutPage = self.call(
            "GET", "/v1/batches", query={"limit": limit, "after": after, "before": before, "kind": kind}
        )
        return found

    def post_batches_mark(self, id: str, body: types.BatchMark, *, key: str | None = None) -> types.MarkedOut:
        """Say that its rows have gone, or leave them out."""
        found: types.MarkedOut = self.call("POST", filled("/v1/batches/{id}/mark", id=id), body=body, key=key)
        return found

    def post_batches_requeue(
        self, id: str, body: types.BatchRequeue, *, key: str | None = None
    ) -> types.BatchOut:
        """Give it to the next worker; what is being handed over becomes unknown, and nothing goes twice."""
        found: types.BatchOut = self.call(
            "POST", filled("/v1/batches/{id}/requeue", id=id), body=body, key=key
        )
        return found

    def get_by_hand(self) -> types.WorksOut:
        """List what is still to be done by hand, longest waiting first, at most 200."""
        found: types.WorksOut = self.call("GET", "/v1/by_hand")
        return found

    def post_by_hand_done(
        self, id: str, file: tuple[str, bytes], *, parts: dict[str, str] | None = None, key: str | None = None
    ) -> types.WorkOut:
        """Say that it was done and show it, by an address or a photo."""
        found: types.WorkOut = self.call(
            "POST", filled("/v1/by_hand/{id}/done", id=id), file=file, parts=parts, key=key
        )
        return found

    def put_by_hand_link(
        self, id: str, body: types.PartnerLinkNew, *, key: str | None = None
    ) -> types.PartnerLinkOut:
        """Hand it on: a link for a partner organisation; an earlier one works no more."""
        found: types.PartnerLinkOut = self.call(
            "PUT", filled("/v1/by_hand/{id}/link", id=id), body=body, key=key
        )
        return found

    def delete_by_hand_link(self, id: str, *, key: str | None = None) -> None:
        """Take the link back."""
        self.call("DELETE", filled("/v1/by_hand/{id}/link", id=id), key=key)

    def post_by_hand_not_done(self, id: str, body: types.NotDone, *, key: str | None = None) -> types.WorkOut:
        """Say that it was not done, and why."""
        found: types.WorkOut = self.call(
            "POST", filled("/v1/by_hand/{id}/not_done", id=id), body=body, key=key
        )
        return found

    def get_cadence_promises(self) -> types.PromisesOut:
        """List what was promised a week, with the weeks around now: kept, missed, or a gap that is coming."""
        found: types.PromisesOut = self.call("GET", "/v1/cadence_promises")
        return found

    def put_cadence_promises(self, body: types.PromiseNew, *, key: str | None = None) -> types.PromiseOut:
        """Promise so many messages a week on a channel, or change what was promised there."""
        found: types.PromiseOut = self.call("PUT", "/v1/cadence_promises", body=body, key=key)
        return found

    def delete_cadence_promises_one(self, id: str, *, key: str | None = None) -> None:
        """Take a promise back."""
        self.call("DELETE", filled("/v1/cadence_promises/{id}", id=id), key=key)

    def get_commitments(
        self, *, programme: str | None = None, after: str | None = None
    ) -> types.CommitmentOutPage:
        """List the promises that are still open, the earliest day first."""
        found: types.CommitmentOutPage = self.call(
            "GET", "/v1/commitments", query={"programme": programme, "after": after}
        )
        return found

    def post_commitments_end(
        self, id: str, body: types.CommitmentEnd, *, key: str | None = None
    ) -> types.CommitmentOut:
        """Say what became of a promise, with evidence."""
        found: types.CommitmentOut = self.call(
            "POST", filled("/v1/commitments/{id}/end", id=id), body=body, key=key
        )
        return found

    def get_connector_accounts(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.AccountOutPage:
        """List the connected accounts."""
        found: types.AccountOutPage = self.call(
            "GET", "/v1/connector_accounts", query={"limit": limit, "after": after, "before": before}
        )
        return found

    def post_connector_accounts(self, body: types.AccountNew, *, key: str | None = None) -> types.AccountOut:
        """Connect an account."""
        found: types.AccountOut = self.call("POST", "/v1/connector_accounts", body=body, key=key)
        return found

    def get_connector_accounts_one(self, id: str) -> types.AccountOut:
        """Read one account."""
        found: types.AccountOut = self.call("GET", filled("/v1/connector_accounts/{id}", id=id))
        return found

    def patch_connector_accounts_one(
        self, id: str, body: types.AccountChange, if_match: str, *, key: str | None = None
    ) -> types.AccountOut:
        """Change an account; secrets that are given replace the old ones."""
        found: types.AccountOut = self.call(
            "PATCH", filled("/v1/connector_accounts/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def delete_connector_accounts_one(self, id: str, *, key: str | None = None) -> None:
        """Take away an account that never carried anything; any other is switched off."""
        self.call("DELETE", filled("/v1/connector_accounts/{id}", id=id), key=key)

    def get_connector_accounts_limits(self, id: str) -> types.LimitsOut:
        """Read the limits that hold for an account and its app, and what of them is used today and this month."""
        found: types.LimitsOut = self.call("GET", filled("/v1/connector_accounts/{id}/limits", id=id))
        return found

    def post_connector_accounts_verify(self, id: str, *, key: str | None = None) -> types.Verified:
        """Prove the login; an account that was out of service comes back."""
        found: types.Verified = self.call(
            "POST", filled("/v1/connector_accounts/{id}/verify", id=id), key=key
        )
        return found

    def get_connectors(self) -> types.ConnectorsOut:
        """List the connectors that are installed."""
        found: types.ConnectorsOut = self.call("GET", "/v1/connectors")
        return found

    def get_connectors_capabilities(self, name: str) -> types.CapabilitiesOut:
        """Read what a connector can do: limits, repeats, look-up, events."""
        found: types.CapabilitiesOut = self.call(
            "GET", filled("/v1/connectors/{name}/capabilities", name=name)
        )
        return found

    def get_consents(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        stakeholder_id: str | None = None,
        purpose: Literal["service", "direct_marketing", "survey"] | None = None,
        channel: str | None = None,
    ) -> types.ConsentOutPage:
        """List every permission given and withdrawn."""
        found: types.ConsentOutPage = self.call(
            "GET",
            "/v1/consents",
            query={
                "limit": limit,
                "after": after,
                "before": before,
                "stakeholder_id": stakeholder_id,
                "purpose": purpose,
                "channel": channel,
            },
        )
        return found

    def post_consents(self, body: types.ConsentNew, *, key: str | None = None) -> types.ConsentOut:
        """Record a permission; after a withdrawal only the person's own newer consent counts."""
        found: types.ConsentOut = self.call("POST", "/v1/consents", body=body, key=key)
        return found

    def post_consents_withdraw(self, body: types.Subject, *, key: str | None = None) -> types.ConsentOut:
        """Record that a permission is withdrawn, or was never wanted."""
        found: types.ConsentOut = self.call("POST", "/v1/consents/withdraw", body=body, key=key)
        return found

    def post_content_calendar(
        self, file: tuple[str, bytes], *, parts: dict[str, str] | None = None, key: str | None = None
    ) -> types.ContentCalendarOut:
        """Say what each row of a content calendar would become, or make the drafts: all of them or none."""
        found: types.ContentCalendarOut = self.call(
            "POST", "/v1/content_calendar", file=file, parts=parts, key=key
        )
        return found

    def get_content_items(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.ContentOutPage:
        """List content items."""
        found: types.ContentOutPage = self.call(
            "GET", "/v1/content_items", query={"limit": limit, "after": after, "before": before}
        )
        return found

    def post_content_items(self, body: types.ContentNew, *, key: str | None = None) -> types.ContentOut:
        """Open a content item."""
        found: types.ContentOut = self.call("POST", "/v1/content_items", body=body, key=key)
        return found

    def get_content_items_one(self, id: str) -> types.ContentOut:
        """Read one content item."""
        found: types.ContentOut = self.call("GET", filled("/v1/content_items/{id}", id=id))
        return found

    def patch_content_items_one(
        self, id: str, body: types.ContentChange, if_match: str, *, key: str | None = None
    ) -> types.ContentOut:
        """Change its name or the data its words use."""
        found: types.ContentOut = self.call(
            "PATCH", filled("/v1/content_items/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def get_content_items_variants(self, id: str) -> types.Variants:
        """List the words as they stand, by channel and language."""
        found: types.Variants = self.call("GET", filled("/v1/content_items/{id}/variants", id=id))
        return found

    def put_content_items_variants_one(
        self, id: str, channel: str, language: str, body: types.VariantNew, *, key: str | None = None
    ) -> types.VariantOut:
        """Save the words for one channel and language."""
        found: types.VariantOut = self.call(
            "PUT",
            filled(
                "/v1/content_items/{id}/variants/{channel}/{language}",
                id=id,
                channel=channel,
                language=language,
            ),
            body=body,
            key=key,
        )
        return found

    def delete_content_items_variants_one(
        self, id: str, channel: str, language: str, *, key: str | None = None
    ) -> None:
        """Take the words for one channel and language out."""
        self.call(
            "DELETE",
            filled(
                "/v1/content_items/{id}/variants/{channel}/{language}",
                id=id,
                channel=channel,
                language=language,
            ),
            key=key,
        )

    def put_content_items_variants_blocks(
        self, id: str, channel: str, language: str, body: types.BlocksNew, *, key: str | None = None
    ) -> types.VariantOut:
        """Save words that are put together from blocks, in the dress of the house."""
        found: types.VariantOut = self.call(
            "PUT",
            filled(
                "/v1/content_items/{id}/variants/{channel}/{language}/blocks",
                id=id,
                channel=channel,
                language=language,
            ),
            body=body,
            key=key,
        )
        return found

    def get_deliveries(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        state: Literal[
            "excluded", "queued", "sending", "deferred", "sent", "bounced", "failed", "cancelled", "unknown"
        ]
        | None = None,
        message: str | None = None,
        stakeholder: str | None = None,
    ) -> types.DeliveryOutPage:
        """List deliveries by message, stakeholder or state."""
        found: types.DeliveryOutPage = self.call(
            "GET",
            "/v1/deliveries",
            query={
                "limit": limit,
                "after": after,
                "before": before,
                "state": state,
                "message": message,
                "stakeholder": stakeholder,
            },
        )
        return found

    def get_deliveries_one(self, id: str) -> types.DeliveryOut:
        """Read one row of the ledger."""
        found: types.DeliveryOut = self.call("GET", filled("/v1/deliveries/{id}", id=id))
        return found

    def post_deliveries_decide(
        self, id: str, body: types.DecideNew, *, key: str | None = None
    ) -> types.DeliveryOut:
        """Say what became of a row whose outcome nobody learnt."""
        found: types.DeliveryOut = self.call(
            "POST", filled("/v1/deliveries/{id}/decide", id=id), body=body, key=key
        )
        return found

    def get_deliveries_words(self, id: str) -> types.WordsOut:
        """Read exactly what this recipient was sent, or would be."""
        found: types.WordsOut = self.call("GET", filled("/v1/deliveries/{id}/words", id=id))
        return found

    def get_duplicates(
        self, *, by: Literal["address", "name"] | None = None, after: str | None = None
    ) -> types.DuplicateOutPage:
        """Look through some thousand people for records that may be one; `next` goes on where this stopped."""
        found: types.DuplicateOutPage = self.call("GET", "/v1/duplicates", query={"by": by, "after": after})
        return found

    def post_duplicates_distinct(self, body: types.Distinct, *, key: str | None = None) -> None:
        """Say that two records are two people: not proposed again."""
        self.call("POST", "/v1/duplicates/distinct", body=body, key=key)

    def post_exports(self, body: types.ExportNew, *, key: str | None = None) -> types.ExportOut:
        """Ask for everything of a programme, or of the installation; a worker makes the file."""
        found: types.ExportOut = self.call("POST", "/v1/exports", body=body, key=key)
        return found

    def get_exports_one(self, id: str) -> types.ExportOut:
        """Read how far an export is."""
        found: types.ExportOut = self.call("GET", filled("/v1/exports/{id}", id=id))
        return found

    def get_exports_file(self, id: str) -> bytes:
        """Take the finished file away: a signed ZIP."""
        found: bytes = self.call("GET", filled("/v1/exports/{id}/file", id=id))
        return found

    def get_fields(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.FieldOutPage:
        """List the custom fields."""
        found: types.FieldOutPage = self.call(
            "GET", "/v1/fields", query={"limit": limit, "after": after, "before": before}
        )
        return found

    def post_fields(self, body: types.FieldNew, *, key: str | None = None) -> types.FieldOut:
        """Define a field; an equal one that is there is returned."""
        found: types.FieldOut = self.call("POST", "/v1/fields", body=body, key=key)
        return found

    def get_fields_one(self, id: str) -> types.FieldOut:
        """Read one field."""
        found: types.FieldOut = self.call("GET", filled("/v1/fields/{id}", id=id))
        return found

    def get_forms(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.FormOutPage:
        """List the forms of your programmes, newest first."""
        found: types.FormOutPage = self.call(
            "GET", "/v1/forms", query={"limit": limit, "after": after, "before": before}
        )
        return found

    def post_forms(self, body: types.FormNew, *, key: str | None = None) -> types.FormOut:
        """Make a form, open at once."""
        found: types.FormOut = self.call("POST", "/v1/forms", body=body, key=key)
        return found

    def get_forms_one(self, id: str) -> types.FormOut:
        """Show a form."""
        found: types.FormOut = self.call("GET", filled("/v1/forms/{id}", id=id))
        return found

    def patch_forms_one(
        self, id: str, body: types.FormChange, if_match: str, *, key: str | None = None
    ) -> types.FormOut:
        """Change a form, close it or open it again; other words are its next wording."""
        found: types.FormOut = self.call(
            "PATCH", filled("/v1/forms/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def get_forms_answers(
        self, id: str, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.AnswerOutPage:
        """List what was written in answer to a survey, newest first."""
        found: types.AnswerOutPage = self.call(
            "GET",
            filled("/v1/forms/{id}/answers", id=id),
            query={"limit": limit, "after": after, "before": before},
        )
        return found

    def get_forms_standing(self, id: str) -> types.FormStanding:
        """Read what a form says now and what came of it."""
        found: types.FormStanding = self.call("GET", filled("/v1/forms/{id}/standing", id=id))
        return found

    def get_grants(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        user_id: str | None = None,
        token_id: str | None = None,
    ) -> types.GrantOutPage:
        """List the grants in the programmes you administer."""
        found: types.GrantOutPage = self.call(
            "GET",
            "/v1/grants",
            query={
                "limit": limit,
                "after": after,
                "before": before,
                "user_id": user_id,
                "token_id": token_id,
            },
        )
        return found

    def post_grants(self, body: types.GrantNew, *, key: str | None = None) -> types.GrantOut:
        """Give a role; giving it twice changes nothing."""
        found: types.GrantOut = self.call("POST", "/v1/grants", body=body, key=key)
        return found

    def delete_grants_one(self, id: str, *, key: str | None = None) -> None:
        """Take a grant back."""
        self.call("DELETE", filled("/v1/grants/{id}", id=id), key=key)

    def get_house_layouts(self, *, programme: str | None = None) -> types.HouseLayoutOut:
        """Read how the mails of a programme, or of the organisation, look."""
        found: types.HouseLayoutOut = self.call("GET", "/v1/house_layouts", query={"programme": programme})
        return found

    def put_house_layouts(
        self, body: types.HouseLayoutNew, *, key: str | None = None
    ) -> types.HouseLayoutOut:
        """Set how the mails of a programme, or of the organisation, look."""
        found: types.HouseLayoutOut = self.call("PUT", "/v1/house_layouts", body=body, key=key)
        return found

    def delete_house_layouts_one(self, id: str, *, key: str | None = None) -> None:
        """Have a programme's mails look as those above it again."""
        self.call("DELETE", filled("/v1/house_layouts/{id}", id=id), key=key)

    def post_imports(
        self, file: tuple[str, bytes], *, parts: dict[str, str] | None = None, key: str | None = None
    ) -> types.ImportOut:
        """Check a file: what importing it would do, row by row; nobody is written yet."""
        found: types.ImportOut = self.call("POST", "/v1/imports", file=file, parts=parts, key=key)
        return found

    def get_imports_one(self, id: str) -> types.ImportOut:
        """Read how far an import is."""
        found: types.ImportOut = self.call("GET", filled("/v1/imports/{id}", id=id))
        return found

    def post_imports_cancel(self, id: str, *, key: str | None = None) -> types.ImportOut:
        """Stop a check or an import after the rows in hand; who has been taken in stays."""
        found: types.ImportOut = self.call("POST", filled("/v1/imports/{id}/cancel", id=id), key=key)
        return found

    def post_imports_confirm(self, id: str, *, key: str | None = None) -> types.ImportOut:
        """Take a checked file in; a worker does it, and survives a stop in the middle."""
        found: types.ImportOut = self.call("POST", filled("/v1/imports/{id}/confirm", id=id), key=key)
        return found

    def post_imports_lift_stops(
        self, id: str, body: types.LiftStops, *, key: str | None = None
    ) -> types.StopsLifted:
        """Lift everything that this file stopped, with a reason."""
        found: types.StopsLifted = self.call(
            "POST", filled("/v1/imports/{id}/lift_stops", id=id), body=body, key=key
        )
        return found

    def get_imports_refused(self, id: str) -> bytes:
        """Read the rows that were not taken in, or without a cell, each with the reason, as a CSV file to mend."""
        found: bytes = self.call("GET", filled("/v1/imports/{id}/refused", id=id))
        return found

    def get_imports_rows(
        self,
        id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        outcome: Literal["created", "updated", "unchanged", "refused", "held"] | None = None,
    ) -> types.ImportRowOutPage:
        """List what became, or would become, of each row."""
        found: types.ImportRowOutPage = self.call(
            "GET",
            filled("/v1/imports/{id}/rows", id=id),
            query={"limit": limit, "after": after, "before": before, "outcome": outcome},
        )
        return found

    def get_installation(self) -> types.InstallationIn:
        """Read what is asked of everybody here."""
        found: types.InstallationIn = self.call("GET", "/v1/installation")
        return found

    def put_installation(self, body: types.InstallationIn, *, key: str | None = None) -> types.InstallationIn:
        """Ask a second step of nobody, of deciders or of everybody."""
        found: types.InstallationIn = self.call("PUT", "/v1/installation", body=body, key=key)
        return found

    def get_interactions(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        stakeholder: str | None = None,
    ) -> types.InteractionOutPage:
        """List logged contacts, newest first."""
        found: types.InteractionOutPage = self.call(
            "GET",
            "/v1/interactions",
            query={"limit": limit, "after": after, "before": before, "stakeholder": stakeholder},
        )
        return found

    def post_interactions(
        self, body: types.InteractionNew, *, key: str | None = None
    ) -> types.InteractionOut:
        """Log a meeting, a call, a letter or a visit."""
        found: types.InteractionOut = self.call("POST", "/v1/interactions", body=body, key=key)
        return found

    def get_interactions_attachments(self, id: str) -> types.AttachmentsOut:
        """List the files of a contact."""
        found: types.AttachmentsOut = self.call("GET", filled("/v1/interactions/{id}/attachments", id=id))
        return found

    def post_interactions_attachments(
        self, id: str, file: tuple[str, bytes], *, parts: dict[str, str] | None = None, key: str | None = None
    ) -> types.AttachmentOut:
        """Attach a file to a contact."""
        found: types.AttachmentOut = self.call(
            "POST", filled("/v1/interactions/{id}/attachments", id=id), file=file, parts=parts, key=key
        )
        return found

    def get_interactions_attachments_one(self, id: str, attachment_id: str) -> bytes:
        """Read a file of a contact, as bytes of no kind."""
        found: bytes = self.call(
            "GET",
            filled("/v1/interactions/{id}/attachments/{attachment_id}", id=id, attachment_id=attachment_id),
        )
        return found

    def post_interactions_correct(
        self, id: str, body: types.InteractionChange, *, key: str | None = None
    ) -> types.InteractionOut:
        """Correct a logged contact by a new entry; the old one stays."""
        found: types.InteractionOut = self.call(
            "POST", filled("/v1/interactions/{id}/correct", id=id), body=body, key=key
        )
        return found

    def get_jobs(self) -> types.JobsOut:
        """List the latest jobs, newest first."""
        found: types.JobsOut = self.call("GET", "/v1/jobs")
        return found

    def get_jobs_one(self, id: str) -> types.JobOut:
        """Read how far a job is."""
        found: types.JobOut = self.call("GET", filled("/v1/jobs/{id}", id=id))
        return found

    def post_jobs_cancel(self, id: str, *, key: str | None = None) -> types.JobOut:
        """Stop a job after what is in hand."""
        found: types.JobOut = self.call("POST", filled("/v1/jobs/{id}/cancel", id=id), key=key)
        return found

    def get_me(self) -> types.MeOut:
        """Read your own account."""
        found: types.MeOut = self.call("GET", "/v1/me")
        return found

    def patch_me(self, body: types.MeChange, *, key: str | None = None) -> types.MeOut:
        """Change your name, language or zone, or the languages you answer in."""
        found: types.MeOut = self.call("PATCH", "/v1/me", body=body, key=key)
        return found

    def put_me_calendar_feed(self, *, key: str | None = None) -> types.FeedOut:
        """Get a new address of your calendar for other programs; the one before stops working."""
        found: types.FeedOut = self.call("PUT", "/v1/me/calendar_feed", key=key)
        return found

    def delete_me_calendar_feed(self, *, key: str | None = None) -> None:
        """End your calendar feed."""
        self.call("DELETE", "/v1/me/calendar_feed", key=key)

    def get_me_notices(self) -> types.NoticesOut:
        """Read which notices you get by mail."""
        found: types.NoticesOut = self.call("GET", "/v1/me/notices")
        return found

    def put_me_notices(self, body: types.NoticesNew, *, key: str | None = None) -> types.NoticesOut:
        """Get exactly these notices from now on."""
        found: types.NoticesOut = self.call("PUT", "/v1/me/notices", body=body, key=key)
        return found

    def get_media(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        kind: Literal["picture", "film", "recording"] | None = None,
        state: Literal["active", "archived", "evidence"] | None = None,
        named: str | None = None,
    ) -> types.MediaOutPage:
        """List the media of your programmes and those all share, newest first."""
        found: types.MediaOutPage = self.call(
            "GET",
            "/v1/media",
            query={
                "limit": limit,
                "after": after,
                "before": before,
                "kind": kind,
                "state": state,
                "named": named,
            },
        )
        return found

    def post_media(
        self, file: tuple[str, bytes], *, parts: dict[str, str] | None = None, key: str | None = None
    ) -> types.MediaOut:
        """Upload a picture: it is drawn anew, so nothing but its points is left of the file."""
        found: types.MediaOut = self.call("POST", "/v1/media", file=file, parts=parts, key=key)
        return found

    def post_media_links(self, body: types.MediaLinkNew, *, key: str | None = None) -> types.MediaOut:
        """Name a film or recording that is kept elsewhere."""
        found: types.MediaOut = self.call("POST", "/v1/media/links", body=body, key=key)
        return found

    def get_media_one(self, id: str) -> types.MediaOut:
        """Show a medium."""
        found: types.MediaOut = self.call("GET", filled("/v1/media/{id}", id=id))
        return found

    def patch_media_one(
        self, id: str, body: types.MediaChange, if_match: str, *, key: str | None = None
    ) -> types.MediaOut:
        """Name it anew, or say what it shows."""
        found: types.MediaOut = self.call(
            "PATCH", filled("/v1/media/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def delete_media_one(self, id: str, *, key: str | None = None) -> None:
        """Archive a medium: it is offered no more, and whoever was sent it still sees it."""
        self.call("DELETE", filled("/v1/media/{id}", id=id), key=key)

    def get_media_uses(self, id: str) -> types.UsesOut:
        """List the content items that hold it now, newest first, at most 100."""
        found: types.UsesOut = self.call("GET", filled("/v1/media/{id}/uses", id=id))
        return found

    def get_merges(self, *, stakeholder_id: str | None = None) -> types.MergesOut:
        """List the merges of somebody's records that stand, the last first."""
        found: types.MergesOut = self.call("GET", "/v1/merges", query={"stakeholder_id": stakeholder_id})
        return found

    def post_merges(self, body: types.MergeNew, *, key: str | None = None) -> types.MergeOut:
        """Let one record stand for two; where they differ, `take` must say whose word counts."""
        found: types.MergeOut = self.call("POST", "/v1/merges", body=body, key=key)
        return found

    def get_merges_one(self, id: str) -> types.MergeOut:
        """Show a merge."""
        found: types.MergeOut = self.call("GET", filled("/v1/merges/{id}", id=id))
        return found

    def post_merges_undo(self, id: str, body: types.MergeUndo, *, key: str | None = None) -> types.MergeOut:
        """Make two records of them again, each as it was; the last merge of a record is undone first."""
        found: types.MergeOut = self.call("POST", filled("/v1/merges/{id}/undo", id=id), body=body, key=key)
        return found

    def get_messages(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        state: Literal["draft", "waiting", "scheduled", "held", "sending", "paused", "finished", "cancelled"]
        | None = None,
    ) -> types.MessageOutPage:
        """List messages."""
        found: types.MessageOutPage = self.call(
            "GET", "/v1/messages", query={"limit": limit, "after": after, "before": before, "state": state}
        )
        return found

    def post_messages(self, body: types.MessageNew, *, key: str | None = None) -> types.MessageOut:
        """Write a message and send it: now, at an instant, or when nothing stands in its way any more."""
        found: types.MessageOut = self.call("POST", "/v1/messages", body=body, key=key)
        return found

    def get_messages_one(self, id: str) -> types.MessageOut:
        """Read one message with its counts and what holds it."""
        found: types.MessageOut = self.call("GET", filled("/v1/messages/{id}", id=id))
        return found

    def patch_messages_one(
        self, id: str, body: types.MessageChange, if_match: str, *, key: str | None = None
    ) -> types.MessageOut:
        """Edit a message none of which has gone."""
        found: types.MessageOut = self.call(
            "PATCH", filled("/v1/messages/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def put_messages_aim(
        self, id: str, body: types.PurposeNew, *, key: str | None = None
    ) -> types.PurposeOut:
        """Say what the content of a message is for; this is no part of what is approved."""
        found: types.PurposeOut = self.call("PUT", filled("/v1/messages/{id}/aim", id=id), body=body, key=key)
        return found

    def get_messages_approvals(self, id: str) -> types.Decisions:
        """List the decisions on a message."""
        found: types.Decisions = self.call("GET", filled("/v1/messages/{id}/approvals", id=id))
        return found

    def post_messages_approvals(
        self, id: str, body: types.DecisionNew, *, key: str | None = None
    ) -> types.DecisionOut:
        """Approve or refuse what you read, by its digest."""
        found: types.DecisionOut = self.call(
            "POST", filled("/v1/messages/{id}/approvals", id=id), body=body, key=key
        )
        return found

    def get_messages_blockers(self, id: str) -> types.Blockers:
        """List everything that stands in the way."""
        found: types.Blockers = self.call("GET", filled("/v1/messages/{id}/blockers", id=id))
        return found

    def post_messages_cancel(self, id: str, *, key: str | None = None) -> types.Counts:
        """Withdraw what has not gone; what is in flight is counted."""
        found: types.Counts = self.call("POST", filled("/v1/messages/{id}/cancel", id=id), key=key)
        return found

    def get_messages_comments(self, id: str) -> types.MessageCommentsOut:
        """List what was said about a message, oldest first."""
        found: types.MessageCommentsOut = self.call("GET", filled("/v1/messages/{id}/comments", id=id))
        return found

    def post_messages_comments(
        self, id: str, body: types.MessageCommentNew, *, key: str | None = None
    ) -> types.MessageCommentOut:
        """Say something about a message, or ask for a change."""
        found: types.MessageCommentOut = self.call(
            "POST", filled("/v1/messages/{id}/comments", id=id), body=body, key=key
        )
        return found

    def post_messages_comments_settle(
        self, id: str, comment_id: str, *, key: str | None = None
    ) -> types.MessageCommentOut:
        """Say that what was asked for is done, or is not needed."""
        found: types.MessageCommentOut = self.call(
            "POST",
            filled("/v1/messages/{id}/comments/{comment_id}/settle", id=id, comment_id=comment_id),
            key=key,
        )
        return found

    def get_messages_deliveries(
        self,
        id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        state: Literal[
            "excluded", "queued", "sending", "deferred", "sent", "bounced", "failed", "cancelled", "unknown"
        ]
        | None = None,
    ) -> types.DeliveryOutPage:
        """List who got it, who did not, and why."""
        found: types.DeliveryOutPage = self.call(
            "GET",
            filled("/v1/messages/{id}/deliveries", id=id),
            query={"limit": limit, "after": after, "before": before, "state": state},
        )
        return found

    def post_messages_enqueue(self, id: str, *, key: str | None = None) -> types.QueuedOut:
        """Put a message into the next free queue time of its accounts; a draft is sent on its way with it."""
        found: types.QueuedOut = self.call("POST", filled("/v1/messages/{id}/enqueue", id=id), key=key)
        return found

    def get_messages_figures(self, id: str) -> types.FiguresOut:
        """Count who opened it and pressed its links, machines apart, and what networks tell of its posts."""
        found: types.FiguresOut = self.call("GET", filled("/v1/messages/{id}/figures", id=id))
        return found

    def get_messages_figures_history(
        self, id: str, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.FigureToldOutPage:
        """List everything that networks told of its posts, oldest first."""
        found: types.FigureToldOutPage = self.call(
            "GET",
            filled("/v1/messages/{id}/figures/history", id=id),
            query={"limit": limit, "after": after, "before": before},
        )
        return found

    def get_messages_occurrences(self, id: str) -> types.Occurrences:
        """List the times it goes out, tests included."""
        found: types.Occurrences = self.call("GET", filled("/v1/messages/{id}/occurrences", id=id))
        return found

    def post_messages_occurrences_cancel(
        self, id: str, occurrence_id: str, *, key: str | None = None
    ) -> types.OccurrenceOut:
        """Call off one time of a message that recurs."""
        found: types.OccurrenceOut = self.call(
            "POST",
            filled(
                "/v1/messages/{id}/occurrences/{occurrence_id}/cancel", id=id, occurrence_id=occurrence_id
            ),
            key=key,
        )
        return found

    def post_messages_occurrences_go_on(
        self, id: str, occurrence_id: str, *, key: str | None = None
    ) -> types.RollOutOut:
        """Let the rest go although the first part went badly."""
        found: types.RollOutOut = self.call(
            "POST",
            filled("/v1/messages/{id}/occurrences/{occurrence_id}/go_on", id=id, occurrence_id=occurrence_id),
            key=key,
        )
        return found

    def post_messages_occurrences_move(
        self, id: str, occurrence_id: str, body: types.ScheduleNew, *, key: str | None = None
    ) -> types.OccurrenceOut:
        """Move one time of a message that recurs."""
        found: types.OccurrenceOut = self.call(
            "POST",
            filled("/v1/messages/{id}/occurrences/{occurrence_id}/move", id=id, occurrence_id=occurrence_id),
            body=body,
            key=key,
        )
        return found

    def post_messages_pause(self, id: str, *, key: str | None = None) -> types.Counts:
        """Take nothing new."""
        found: types.Counts = self.call("POST", filled("/v1/messages/{id}/pause", id=id), key=key)
        return found

    def post_messages_preview(
        self, id: str, body: types.ForWhom, *, key: str | None = None
    ) -> types.Previews:
        """Show what one recipient would read."""
        found: types.Previews = self.call(
            "POST", filled("/v1/messages/{id}/preview", id=id), body=body, key=key
        )
        return found

    def post_messages_readdress(
        self, id: str, body: types.AddressedAnew, *, key: str | None = None
    ) -> types.PlannedOut:
        """Choose anew who gets a message none of which has gone, and through which accounts."""
        found: types.PlannedOut = self.call(
            "POST", filled("/v1/messages/{id}/readdress", id=id), body=body, key=key
        )
        return found

    def post_messages_rehearse(self, id: str, *, key: str | None = None) -> types.Rehearsed:
        """Show who would get it and who is left out, because…; sends nothing."""
        found: types.Rehearsed = self.call("POST", filled("/v1/messages/{id}/rehearse", id=id), key=key)
        return found

    def post_messages_resume(self, id: str, *, key: str | None = None) -> types.Counts:
        """Go on."""
        found: types.Counts = self.call("POST", filled("/v1/messages/{id}/resume", id=id), key=key)
        return found

    def post_messages_retry(self, id: str, *, key: str | None = None) -> types.Counts:
        """Queue again what failed for a passing reason."""
        found: types.Counts = self.call("POST", filled("/v1/messages/{id}/retry", id=id), key=key)
        return found

    def post_messages_schedule(
        self, id: str, body: types.ScheduleNew, *, key: str | None = None
    ) -> types.MessageOut:
        """Move a message to another instant."""
        found: types.MessageOut = self.call(
            "POST", filled("/v1/messages/{id}/schedule", id=id), body=body, key=key
        )
        return found

    def post_messages_still_right(
        self, id: str, body: types.StillRightNew, *, key: str | None = None
    ) -> None:
        """Say that a version still says what its changed source says."""
        self.call("POST", filled("/v1/messages/{id}/still_right", id=id), body=body, key=key)

    def post_messages_submit(self, id: str, *, key: str | None = None) -> types.MessageOut:
        """Ask for a draft to go."""
        found: types.MessageOut = self.call("POST", filled("/v1/messages/{id}/submit", id=id), key=key)
        return found

    def post_messages_test(
        self, id: str, body: types.TestNew, *, key: str | None = None
    ) -> types.OccurrenceOut:
        """Send a test to people who work here."""
        found: types.OccurrenceOut = self.call(
            "POST", filled("/v1/messages/{id}/test", id=id), body=body, key=key
        )
        return found

    def put_messages_together(self, id: str, body: types.TogetherNew, *, key: str | None = None) -> None:
        """Send whoever has said no language one letter in two, or no longer."""
        self.call("PUT", filled("/v1/messages/{id}/together", id=id), body=body, key=key)

    def post_messages_unschedule(self, id: str, *, key: str | None = None) -> types.PlannedOut:
        """Take its time away: it goes when somebody says so."""
        found: types.PlannedOut = self.call("POST", filled("/v1/messages/{id}/unschedule", id=id), key=key)
        return found

    def post_messages_urgent_go(
        self, id: str, body: types.UrgentNew, *, key: str | None = None
    ) -> types.UrgentOut:
        """Send before everybody has signed; a review is due within a day."""
        found: types.UrgentOut = self.call(
            "POST", filled("/v1/messages/{id}/urgent_go", id=id), body=body, key=key
        )
        return found

    def get_missed_runs(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        waiting: bool | None = None,
    ) -> types.MissedRunOutPage:
        """List what was missed."""
        found: types.MissedRunOutPage = self.call(
            "GET",
            "/v1/missed_runs",
            query={"limit": limit, "after": after, "before": before, "waiting": waiting},
        )
        return found

    def post_missed_runs_decide(
        self, id: str, body: types.Verdict, *, key: str | None = None
    ) -> types.MissedRunOut:
        """Say whether a held one still goes."""
        found: types.MissedRunOut = self.call(
            "POST", filled("/v1/missed_runs/{id}/decide", id=id), body=body, key=key
        )
        return found

    def get_mix(
        self, *, quarter: str | None = None, programme: str | None = None, zone: str | None = None
    ) -> types.MixOut:
        """Read what content was for in a quarter: what went, what is planned, and what was meant."""
        found: types.MixOut = self.call(
            "GET", "/v1/mix", query={"quarter": quarter, "programme": programme, "zone": zone}
        )
        return found

    def put_mix(self, body: types.MixNew, *, key: str | None = None) -> types.MixTargetOut:
        """Say which mix a quarter of a programme is meant to have."""
        found: types.MixTargetOut = self.call("PUT", "/v1/mix", body=body, key=key)
        return found

    def get_objectives_one(self, id: str) -> types.ObjectiveOut:
        """Show an objective."""
        found: types.ObjectiveOut = self.call("GET", filled("/v1/objectives/{id}", id=id))
        return found

    def patch_objectives_one(
        self, id: str, body: types.ObjectiveChange, if_match: str, *, key: str | None = None
    ) -> types.ObjectiveOut:
        """Say an objective better; what was read stays."""
        found: types.ObjectiveOut = self.call(
            "PATCH", filled("/v1/objectives/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def delete_objectives_one(self, id: str, *, key: str | None = None) -> None:
        """Archive an objective: it is pursued no more and stays on record."""
        self.call("DELETE", filled("/v1/objectives/{id}", id=id), key=key)

    def get_objectives_readings(self, id: str) -> types.ReadingsOut:
        """List what was read of it, the newest day first."""
        found: types.ReadingsOut = self.call("GET", filled("/v1/objectives/{id}/readings", id=id))
        return found

    def post_objectives_readings(
        self, id: str, body: types.ReadingNew, *, key: str | None = None
    ) -> types.ReadingOut:
        """Write down how far it is; a second reading of a day replaces the first."""
        found: types.ReadingOut = self.call(
            "POST", filled("/v1/objectives/{id}/readings", id=id), body=body, key=key
        )
        return found

    def get_programmes(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.ProgrammeOutPage:
        """List the programmes you have a grant on."""
        found: types.ProgrammeOutPage = self.call(
            "GET", "/v1/programmes", query={"limit": limit, "after": after, "before": before}
        )
        return found

    def post_programmes(self, body: types.ProgrammeNew, *, key: str | None = None) -> types.ProgrammeOut:
        """Make a programme, campaign or plan."""
        found: types.ProgrammeOut = self.call("POST", "/v1/programmes", body=body, key=key)
        return found

    def get_programmes_one(self, id: str) -> types.ProgrammeOut:
        """Read one programme."""
        found: types.ProgrammeOut = self.call("GET", filled("/v1/programmes/{id}", id=id))
        return found

    def patch_programmes_one(
        self, id: str, body: types.ProgrammeChange, if_match: str, *, key: str | None = None
    ) -> types.ProgrammeOut:
        """Change a programme; lowering its assurance needs an administrator and a reason."""
        found: types.ProgrammeOut = self.call(
            "PATCH", filled("/v1/programmes/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def post_programmes_objectives(
        self, id: str, body: types.ObjectiveNew, *, key: str | None = None
    ) -> types.ObjectiveOut:
        """Add an objective to a programme."""
        found: types.ObjectiveOut = self.call(
            "POST", filled("/v1/programmes/{id}/objectives", id=id), body=body, key=key
        )
        return found

    def get_programmes_plan(self, id: str) -> types.PlanOut:
        """Read the plan of a programme: objectives with how far they are, risks, priorities, what is missing."""
        found: types.PlanOut = self.call("GET", filled("/v1/programmes/{id}/plan", id=id))
        return found

    def get_programmes_policies(self, id: str) -> types.PoliciesOut:
        """Read what a programme asks of its messages beyond the law."""
        found: types.PoliciesOut = self.call("GET", filled("/v1/programmes/{id}/policies", id=id))
        return found

    def put_programmes_policies(
        self, id: str, body: types.PoliciesIn, *, key: str | None = None
    ) -> types.PoliciesOut:
        """Set what a programme asks of its messages; asking for less needs an administrator."""
        found: types.PoliciesOut = self.call(
            "PUT", filled("/v1/programmes/{id}/policies", id=id), body=body, key=key
        )
        return found

    def post_programmes_policies_wales(self, id: str, *, key: str | None = None) -> types.PoliciesOut:
        """Turn on the pack for public bodies in Wales: two languages, other formats, agreed strategies."""
        found: types.PoliciesOut = self.call(
            "POST", filled("/v1/programmes/{id}/policies/wales", id=id), key=key
        )
        return found

    def post_programmes_priorities(
        self, id: str, body: types.PriorityNew, *, key: str | None = None
    ) -> types.PriorityOut:
        """Note an issue, and whether social marketing suits it."""
        found: types.PriorityOut = self.call(
            "POST", filled("/v1/programmes/{id}/priorities", id=id), body=body, key=key
        )
        return found

    def delete_programmes_priorities_one(self, id: str, priority_id: str, *, key: str | None = None) -> None:
        """Take an issue off the register."""
        self.call(
            "DELETE",
            filled("/v1/programmes/{id}/priorities/{priority_id}", id=id, priority_id=priority_id),
            key=key,
        )

    def post_programmes_risks(self, id: str, body: types.RiskNew, *, key: str | None = None) -> types.RiskOut:
        """Note a threat, an opportunity or a barrier."""
        found: types.RiskOut = self.call(
            "POST", filled("/v1/programmes/{id}/risks", id=id), body=body, key=key
        )
        return found

    def put_programmes_risks_one(
        self, id: str, risk_id: str, body: types.RiskState, *, key: str | None = None
    ) -> types.RiskOut:
        """Close a risk, or open it again."""
        found: types.RiskOut = self.call(
            "PUT", filled("/v1/programmes/{id}/risks/{risk_id}", id=id, risk_id=risk_id), body=body, key=key
        )
        return found

    def get_queue_slots(self) -> types.SlotsOut:
        """List the queue times of the accounts you see."""
        found: types.SlotsOut = self.call("GET", "/v1/queue_slots")
        return found

    def post_queue_slots(self, body: types.SlotNew, *, key: str | None = None) -> types.SlotOut:
        """Add a time of the week at which an account publishes."""
        found: types.SlotOut = self.call("POST", "/v1/queue_slots", body=body, key=key)
        return found

    def delete_queue_slots_one(self, id: str, *, key: str | None = None) -> None:
        """Take a queue time away; what was put into it stays where it is."""
        self.call("DELETE", filled("/v1/queue_slots/{id}", id=id), key=key)

    def get_quiet_periods(self) -> types.QuietPeriodsOut:
        """List the newest quiet periods of your programmes and those of all, at most 200."""
        found: types.QuietPeriodsOut = self.call("GET", "/v1/quiet_periods")
        return found

    def post_quiet_periods(self, body: types.QuietNew, *, key: str | None = None) -> types.QuietOut:
        """Let messages of a programme, or of all, wait for a time."""
        found: types.QuietOut = self.call("POST", "/v1/quiet_periods", body=body, key=key)
        return found

    def post_quiet_periods_end(
        self, id: str, body: types.QuietEnd, *, key: str | None = None
    ) -> types.QuietOut:
        """End a quiet period before its time; what it held goes."""
        found: types.QuietOut = self.call(
            "POST", filled("/v1/quiet_periods/{id}/end", id=id), body=body, key=key
        )
        return found

    def get_relations(self, *, stakeholder_id: str | None = None) -> types.RelationsOut:
        """List what somebody is or was to others, and they to them, what began last first."""
        found: types.RelationsOut = self.call(
            "GET", "/v1/relations", query={"stakeholder_id": stakeholder_id}
        )
        return found

    def post_relations(self, body: types.RelationNew, *, key: str | None = None) -> types.RelationOut:
        """Say what one stakeholder is to another."""
        found: types.RelationOut = self.call("POST", "/v1/relations", body=body, key=key)
        return found

    def get_relations_graph(
        self, *, around: str | None = None, on: str | None = None, steps: int | None = None
    ) -> types.GraphOut:
        """Show the map around somebody on a day: nodes and edges, memberships included."""
        found: types.GraphOut = self.call(
            "GET", "/v1/relations/graph", query={"around": around, "on": on, "steps": steps}
        )
        return found

    def get_relations_one(self, id: str) -> types.RelationOut:
        """Show a relation."""
        found: types.RelationOut = self.call("GET", filled("/v1/relations/{id}", id=id))
        return found

    def delete_relations_one(self, id: str, *, key: str | None = None) -> None:
        """Take back a relation that never was."""
        self.call("DELETE", filled("/v1/relations/{id}", id=id), key=key)

    def post_relations_end(
        self, id: str, body: types.RelationEnd, *, key: str | None = None
    ) -> types.RelationOut:
        """Say which day was its last."""
        found: types.RelationOut = self.call(
            "POST", filled("/v1/relations/{id}/end", id=id), body=body, key=key
        )
        return found

    def get_relationships_reviews_due(
        self,
        *,
        programme: str | None = None,
        after: str | None = None,
        until: str | None = None,
        mine: bool | None = None,
    ) -> types.RelationshipOutPage:
        """List the relationships whose review is due up to a day, the longest due first."""
        found: types.RelationshipOutPage = self.call(
            "GET",
            "/v1/relationships/reviews_due",
            query={"programme": programme, "after": after, "until": until, "mine": mine},
        )
        return found

    def get_relationships_undelivered(
        self, *, programme: str | None = None, after: str | None = None
    ) -> types.IntentOutPage:
        """List who is committed and has delivered nothing."""
        found: types.IntentOutPage = self.call(
            "GET", "/v1/relationships/undelivered", query={"programme": programme, "after": after}
        )
        return found

    def get_relationships_without_owner(
        self,
        *,
        programme: str | None = None,
        after: str | None = None,
        role: Literal["target", "intermediary", "partner", "gatekeeper", "critic", "other"] | None = None,
    ) -> types.RelationshipOutPage:
        """List the relationships that nobody answers for."""
        found: types.RelationshipOutPage = self.call(
            "GET",
            "/v1/relationships/without_owner",
            query={"programme": programme, "after": after, "role": role},
        )
        return found

    def get_response_promises(self, *, programme: str | None = None) -> types.AnsweredInTimeOut:
        """Tell week by week how often the first answer came in time."""
        found: types.AnsweredInTimeOut = self.call(
            "GET", "/v1/response_promises", query={"programme": programme}
        )
        return found

    def put_response_promises(
        self, body: types.ResponsePromiseNew, *, key: str | None = None
    ) -> types.ResponsePromiseOut:
        """Set what a programme promises, in which hours, and who is told of urgent harm."""
        found: types.ResponsePromiseOut = self.call("PUT", "/v1/response_promises", body=body, key=key)
        return found

    def get_responses(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        unmatched: bool | None = None,
        kind: Literal["reply", "mention", "like", "boost", "bounce", "complaint", "opt_out", "auto_reply"]
        | None = None,
        stakeholder: str | None = None,
        message: str | None = None,
    ) -> types.ResponseOutPage:
        """List what came back, newest first; `unmatched=true` is the tray of who-is-this."""
        found: types.ResponseOutPage = self.call(
            "GET",
            "/v1/responses",
            query={
                "limit": limit,
                "after": after,
                "before": before,
                "unmatched": unmatched,
                "kind": kind,
                "stakeholder": stakeholder,
                "message": message,
            },
        )
        return found

    def get_responses_desk(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        folder: Literal["open", "mine", "nobody", "called", "who", "kept", "snoozed", "done", "apart"]
        | None = None,
        language: str | None = None,
        label: str | None = None,
        channel: str | None = None,
        newest: bool | None = None,
    ) -> types.ResponseOutPage:
        """List one folder of the inbox, whoever waits longest first; what is urgent stands on top."""
        found: types.ResponseOutPage = self.call(
            "GET",
            "/v1/responses/desk",
            query={
                "limit": limit,
                "after": after,
                "before": before,
                "folder": folder,
                "language": language,
                "label": label,
                "channel": channel,
                "newest": newest,
            },
        )
        return found

    def post_responses_many(self, body: types.ManyNew, *, key: str | None = None) -> types.ManyOut:
        """Do one thing to many; what cannot be done to some is told, and done to the others."""
        found: types.ManyOut = self.call("POST", "/v1/responses/many", body=body, key=key)
        return found

    def get_responses_one(self, id: str) -> types.ResponseOut:
        """Read one response."""
        found: types.ResponseOut = self.call("GET", filled("/v1/responses/{id}", id=id))
        return found

    def post_responses_answer(
        self, id: str, body: types.AnswerNew, *, key: str | None = None
    ) -> types.AnsweredOut:
        """Answer somebody who wrote to us."""
        found: types.AnsweredOut = self.call(
            "POST", filled("/v1/responses/{id}/answer", id=id), body=body, key=key
        )
        return found

    def post_responses_assign(
        self, id: str, body: types.AssignNew, *, key: str | None = None
    ) -> types.ResponseOut:
        """Give it to a colleague who may answer there, or back to everybody."""
        found: types.ResponseOut = self.call(
            "POST", filled("/v1/responses/{id}/assign", id=id), body=body, key=key
        )
        return found

    def post_responses_check(self, id: str, body: types.CheckNew, *, key: str | None = None) -> None:
        """Ask a colleague to look at an answer before it goes."""
        self.call("POST", filled("/v1/responses/{id}/check", id=id), body=body, key=key)

    def post_responses_close(
        self, id: str, body: types.CloseNew, *, key: str | None = None
    ) -> types.ResponseOut:
        """Say that it needs nothing more, and why."""
        found: types.ResponseOut = self.call(
            "POST", filled("/v1/responses/{id}/close", id=id), body=body, key=key
        )
        return found

    def put_responses_draft(self, id: str, body: types.DraftNew, *, key: str | None = None) -> None:
        """Keep what you are writing; colleagues see that you are at it."""
        self.call("PUT", filled("/v1/responses/{id}/draft", id=id), body=body, key=key)

    def post_responses_labels(
        self, id: str, body: types.LabelNew, *, key: str | None = None
    ) -> types.ResponseOut:
        """Say what it is about."""
        found: types.ResponseOut = self.call(
            "POST", filled("/v1/responses/{id}/labels", id=id), body=body, key=key
        )
        return found

    def delete_responses_labels_one(self, id: str, tag: str, *, key: str | None = None) -> None:
        """Take a label off."""
        self.call("DELETE", filled("/v1/responses/{id}/labels/{tag}", id=id, tag=tag), key=key)

    def post_responses_match(
        self, id: str, body: types.MatchNew, *, key: str | None = None
    ) -> types.ResponseOut:
        """Say who it is from."""
        found: types.ResponseOut = self.call(
            "POST", filled("/v1/responses/{id}/match", id=id), body=body, key=key
        )
        return found

    def post_responses_match_undo(self, id: str, *, key: str | None = None) -> types.ResponseOut:
        """Take the last decision who this is back, with everything it moved."""
        found: types.ResponseOut = self.call("POST", filled("/v1/responses/{id}/match/undo", id=id), key=key)
        return found

    def post_responses_match_new(
        self, id: str, body: types.PersonNew, *, key: str | None = None
    ) -> types.ResponseOut:
        """Say that it is from somebody we did not know, and put them on the record."""
        found: types.ResponseOut = self.call(
            "POST", filled("/v1/responses/{id}/match_new", id=id), body=body, key=key
        )
        return found

    def post_responses_notes(self, id: str, body: types.NoteNew, *, key: str | None = None) -> types.NoteOut:
        """Add a note that only colleagues see; @ and a name calls one of them."""
        found: types.NoteOut = self.call(
            "POST", filled("/v1/responses/{id}/notes", id=id), body=body, key=key
        )
        return found

    def post_responses_reopen(self, id: str, *, key: str | None = None) -> types.ResponseOut:
        """Say that it needs something after all."""
        found: types.ResponseOut = self.call("POST", filled("/v1/responses/{id}/reopen", id=id), key=key)
        return found

    def put_responses_sentiment(
        self, id: str, body: types.FeelNew, *, key: str | None = None
    ) -> types.ResponseOut:
        """Say how they feel, as you read it; null takes it back."""
        found: types.ResponseOut = self.call(
            "PUT", filled("/v1/responses/{id}/sentiment", id=id), body=body, key=key
        )
        return found

    def post_responses_snooze(
        self, id: str, body: types.SnoozeNew, *, key: str | None = None
    ) -> types.ResponseOut:
        """Put it out of sight until then, or until they write again."""
        found: types.ResponseOut = self.call(
            "POST", filled("/v1/responses/{id}/snooze", id=id), body=body, key=key
        )
        return found

    def post_responses_stop_as_asked(self, id: str, *, key: str | None = None) -> types.ResponseOut:
        """Whoever wrote asks for no more of it, and gets no more."""
        found: types.ResponseOut = self.call(
            "POST", filled("/v1/responses/{id}/stop_as_asked", id=id), key=key
        )
        return found

    def post_responses_take(self, id: str, *, key: str | None = None) -> types.ResponseOut:
        """Take it yourself; 409 where a colleague was faster."""
        found: types.ResponseOut = self.call("POST", filled("/v1/responses/{id}/take", id=id), key=key)
        return found

    def post_responses_urgent(self, id: str, *, key: str | None = None) -> types.CalledOut:
        """Mark that somebody may come to harm: it stands on top, and whoever is named is called."""
        found: types.CalledOut = self.call("POST", filled("/v1/responses/{id}/urgent", id=id), key=key)
        return found

    def delete_responses_urgent(self, id: str, *, key: str | None = None) -> None:
        """Say that the danger is over."""
        self.call("DELETE", filled("/v1/responses/{id}/urgent", id=id), key=key)

    def post_responses_wake(self, id: str, *, key: str | None = None) -> types.ResponseOut:
        """Put it back in sight."""
        found: types.ResponseOut = self.call("POST", filled("/v1/responses/{id}/wake", id=id), key=key)
        return found

    def get_saved_replies(self) -> types.RepliesOut:
        """List the saved replies of your programmes and those of all, by language, at most 200."""
        found: types.RepliesOut = self.call("GET", "/v1/saved_replies")
        return found

    def post_saved_replies(self, body: types.ReplyNew, *, key: str | None = None) -> types.ReplyOut:
        """Keep words for later; {name} becomes the name of who is answered."""
        found: types.ReplyOut = self.call("POST", "/v1/saved_replies", body=body, key=key)
        return found

    def put_saved_replies_one(
        self, id: str, body: types.ReplyChange, *, key: str | None = None
    ) -> types.ReplyOut:
        """Change the words of a saved reply."""
        found: types.ReplyOut = self.call("PUT", filled("/v1/saved_replies/{id}", id=id), body=body, key=key)
        return found

    def delete_saved_replies_one(self, id: str, *, key: str | None = None) -> None:
        """Offer a saved reply no longer."""
        self.call("DELETE", filled("/v1/saved_replies/{id}", id=id), key=key)

    def get_segments(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        state: Literal["active", "archived"] | None = None,
        programme_id: str | None = None,
    ) -> types.SegmentOutPage:
        """List the segments of your programmes."""
        found: types.SegmentOutPage = self.call(
            "GET",
            "/v1/segments",
            query={
                "limit": limit,
                "after": after,
                "before": before,
                "state": state,
                "programme_id": programme_id,
            },
        )
        return found

    def post_segments(self, body: types.SegmentNew, *, key: str | None = None) -> types.SegmentOut:
        """Make a segment, by rule or to be picked by hand."""
        found: types.SegmentOut = self.call("POST", "/v1/segments", body=body, key=key)
        return found

    def get_segments_one(self, id: str) -> types.SegmentOut:
        """Read one segment."""
        found: types.SegmentOut = self.call("GET", filled("/v1/segments/{id}", id=id))
        return found

    def patch_segments_one(
        self, id: str, body: types.SegmentChange, if_match: str, *, key: str | None = None
    ) -> types.SegmentOut:
        """Change a segment's name or rule."""
        found: types.SegmentOut = self.call(
            "PATCH", filled("/v1/segments/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def delete_segments_one(self, id: str, *, key: str | None = None) -> None:
        """Archive a segment; what was sent to it stays."""
        self.call("DELETE", filled("/v1/segments/{id}", id=id), key=key)

    def get_segments_count(self, id: str) -> types.Count:
        """Count who is in now."""
        found: types.Count = self.call("GET", filled("/v1/segments/{id}/count", id=id))
        return found

    def get_segments_members(
        self, id: str, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.StakeholderOutPage:
        """List who is in now."""
        found: types.StakeholderOutPage = self.call(
            "GET",
            filled("/v1/segments/{id}/members", id=id),
            query={"limit": limit, "after": after, "before": before},
        )
        return found

    def post_segments_members(self, id: str, body: types.Pick, *, key: str | None = None) -> None:
        """Add members of the same programme to a hand-picked segment."""
        self.call("POST", filled("/v1/segments/{id}/members", id=id), body=body, key=key)

    def delete_segments_members_one(self, id: str, stakeholder_id: str, *, key: str | None = None) -> None:
        """Take a member out of a hand-picked segment."""
        self.call(
            "DELETE",
            filled("/v1/segments/{id}/members/{stakeholder_id}", id=id, stakeholder_id=stakeholder_id),
            key=key,
        )

    def get_segments_members_explanation(self, id: str, stakeholder_id: str) -> types.Explanation:
        """Say why somebody is in or out."""
        found: types.Explanation = self.call(
            "GET",
            filled(
                "/v1/segments/{id}/members/{stakeholder_id}/explanation", id=id, stakeholder_id=stakeholder_id
            ),
        )
        return found

    def get_sending_hours(self) -> types.AllHours:
        """List the hours that stand."""
        found: types.AllHours = self.call("GET", "/v1/sending_hours")
        return found

    def post_sending_hours(self, body: types.HoursNew, *, key: str | None = None) -> types.HoursOut:
        """Set the hours of everybody, of a programme or of one person."""
        found: types.HoursOut = self.call("POST", "/v1/sending_hours", body=body, key=key)
        return found

    def delete_sending_hours_one(self, id: str, *, key: str | None = None) -> None:
        """Take hours away."""
        self.call("DELETE", filled("/v1/sending_hours/{id}", id=id), key=key)

    def get_stakeholders(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        state: Literal["active", "archived"] | None = None,
        kind: Literal["person", "group", "community", "organisation"] | None = None,
        programme_id: str | None = None,
        external_id: str | None = None,
        name: str | None = None,
        tag: str | None = None,
        channel: str | None = None,
        address: str | None = None,
    ) -> types.StakeholderOutPage:
        """List stakeholders involved in your programmes."""
        found: types.StakeholderOutPage = self.call(
            "GET",
            "/v1/stakeholders",
            query={
                "limit": limit,
                "after": after,
                "before": before,
                "state": state,
                "kind": kind,
                "programme_id": programme_id,
                "external_id": external_id,
                "name": name,
                "tag": tag,
                "channel": channel,
                "address": address,
            },
        )
        return found

    def post_stakeholders(
        self, body: types.StakeholderNew, *, key: str | None = None
    ) -> types.StakeholderOut:
        """Make a stakeholder, involved in a programme."""
        found: types.StakeholderOut = self.call("POST", "/v1/stakeholders", body=body, key=key)
        return found

    def put_stakeholders_by_external_id_one(
        self, external_id: str, body: types.StakeholderUpsert, *, key: str | None = None
    ) -> types.StakeholderOut:
        """Make or change the stakeholder that another system knows by this id; a new one needs a name."""
        found: types.StakeholderOut = self.call(
            "PUT",
            filled("/v1/stakeholders/by-external-id/{external_id}", external_id=external_id),
            body=body,
            key=key,
        )
        return found

    def get_stakeholders_one(self, id: str) -> types.StakeholderOut:
        """Read one stakeholder."""
        found: types.StakeholderOut = self.call("GET", filled("/v1/stakeholders/{id}", id=id))
        return found

    def patch_stakeholders_one(
        self, id: str, body: types.StakeholderChange, if_match: str, *, key: str | None = None
    ) -> types.StakeholderOut:
        """Change a stakeholder."""
        found: types.StakeholderOut = self.call(
            "PATCH", filled("/v1/stakeholders/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def delete_stakeholders_one(self, id: str, *, key: str | None = None) -> None:
        """Archive a stakeholder: kept on the record, in no segment, written to no more."""
        self.call("DELETE", filled("/v1/stakeholders/{id}", id=id), key=key)

    def get_stakeholders_addresses(
        self, id: str, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.AddressOutPage:
        """List a stakeholder's addresses, retired ones too."""
        found: types.AddressOutPage = self.call(
            "GET",
            filled("/v1/stakeholders/{id}/addresses", id=id),
            query={"limit": limit, "after": after, "before": before},
        )
        return found

    def post_stakeholders_addresses(
        self, id: str, body: types.AddressNew, *, key: str | None = None
    ) -> types.AddressOut:
        """Add an address; one that is there already is used again."""
        found: types.AddressOut = self.call(
            "POST", filled("/v1/stakeholders/{id}/addresses", id=id), body=body, key=key
        )
        return found

    def delete_stakeholders_addresses_one(self, id: str, address_id: str, *, key: str | None = None) -> None:
        """Retire an address; it stays on the record."""
        self.call(
            "DELETE",
            filled("/v1/stakeholders/{id}/addresses/{address_id}", id=id, address_id=address_id),
            key=key,
        )

    def get_stakeholders_engagement(
        self, id: str, *, limit: int | None = None, after: str | None = None
    ) -> types.EntryOutPage:
        """Read a stakeholder's record, newest first."""
        found: types.EntryOutPage = self.call(
            "GET", filled("/v1/stakeholders/{id}/engagement", id=id), query={"limit": limit, "after": after}
        )
        return found

    def post_stakeholders_erase(self, id: str, body: types.EraseNew, *, key: str | None = None) -> None:
        """Erase somebody at their own wish; what was sent stays counted, without them."""
        self.call("POST", filled("/v1/stakeholders/{id}/erase", id=id), body=body, key=key)

    def post_stakeholders_export(
        self, id: str, body: types.PersonExportNew, *, key: str | None = None
    ) -> types.ExportOut:
        """Ask for all that is held on somebody; a small record is finished with the answer."""
        found: types.ExportOut = self.call(
            "POST", filled("/v1/stakeholders/{id}/export", id=id), body=body, key=key
        )
        return found

    def get_stakeholders_involvements(
        self, id: str, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.InvolvementOutPage:
        """List the programmes a stakeholder is involved in, among yours."""
        found: types.InvolvementOutPage = self.call(
            "GET",
            filled("/v1/stakeholders/{id}/involvements", id=id),
            query={"limit": limit, "after": after, "before": before},
        )
        return found

    def put_stakeholders_involvements_one(
        self, id: str, programme_id: str, body: types.InvolvementSet, *, key: str | None = None
    ) -> types.InvolvementOut:
        """Say how a stakeholder is connected with a programme, and how much it matters."""
        found: types.InvolvementOut = self.call(
            "PUT",
            filled("/v1/stakeholders/{id}/involvements/{programme_id}", id=id, programme_id=programme_id),
            body=body,
            key=key,
        )
        return found

    def get_stakeholders_involvements_commitments(self, id: str, programme_id: str) -> types.CommitmentsOut:
        """List what was promised to and by somebody, the open ones first."""
        found: types.CommitmentsOut = self.call(
            "GET",
            filled(
                "/v1/stakeholders/{id}/involvements/{programme_id}/commitments",
                id=id,
                programme_id=programme_id,
            ),
        )
        return found

    def post_stakeholders_involvements_commitments(
        self, id: str, programme_id: str, body: types.CommitmentNew, *, key: str | None = None
    ) -> types.CommitmentOut:
        """Write a promise down, ours or theirs."""
        found: types.CommitmentOut = self.call(
            "POST",
            filled(
                "/v1/stakeholders/{id}/involvements/{programme_id}/commitments",
                id=id,
                programme_id=programme_id,
            ),
            body=body,
            key=key,
        )
        return found

    def post_stakeholders_involvements_intents(
        self, id: str, programme_id: str, body: types.IntentNew, *, key: str | None = None
    ) -> types.IntentOut:
        """Say how willing they are to work with us, and what they bring."""
        found: types.IntentOut = self.call(
            "POST",
            filled(
                "/v1/stakeholders/{id}/involvements/{programme_id}/intents", id=id, programme_id=programme_id
            ),
            body=body,
            key=key,
        )
        return found

    def put_stakeholders_involvements_owners(
        self, id: str, programme_id: str, body: types.OwnersNew, *, key: str | None = None
    ) -> types.RelationshipOut:
        """Say which colleague answers for the relationship, and who stands for them."""
        found: types.RelationshipOut = self.call(
            "PUT",
            filled(
                "/v1/stakeholders/{id}/involvements/{programme_id}/owners", id=id, programme_id=programme_id
            ),
            body=body,
            key=key,
        )
        return found

    def post_stakeholders_involvements_reviews(
        self, id: str, programme_id: str, body: types.AssessmentNew, *, key: str | None = None
    ) -> types.AssessmentOut:
        """Assess the relationship: what was found, what was decided, when it is looked at next."""
        found: types.AssessmentOut = self.call(
            "POST",
            filled(
                "/v1/stakeholders/{id}/involvements/{programme_id}/reviews", id=id, programme_id=programme_id
            ),
            body=body,
            key=key,
        )
        return found

    def post_stakeholders_involvements_roles(
        self, id: str, programme_id: str, body: types.RoleNew, *, key: str | None = None
    ) -> types.RoleOut:
        """Say which part they play and why; what was said before stays on the record."""
        found: types.RoleOut = self.call(
            "POST",
            filled(
                "/v1/stakeholders/{id}/involvements/{programme_id}/roles", id=id, programme_id=programme_id
            ),
            body=body,
            key=key,
        )
        return found

    def get_stakeholders_memberships(
        self, id: str, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.MembershipOutPage:
        """List what a person belongs to, or who belongs to a body."""
        found: types.MembershipOutPage = self.call(
            "GET",
            filled("/v1/stakeholders/{id}/memberships", id=id),
            query={"limit": limit, "after": after, "before": before},
        )
        return found

    def post_stakeholders_memberships(
        self, id: str, body: types.MembershipNew, *, key: str | None = None
    ) -> types.MembershipOut:
        """Make a person a member of a group, community or organisation."""
        found: types.MembershipOut = self.call(
            "POST", filled("/v1/stakeholders/{id}/memberships", id=id), body=body, key=key
        )
        return found

    def delete_stakeholders_memberships_one(
        self, id: str, membership_id: str, *, on: str | None = None, key: str | None = None
    ) -> None:
        """End a membership; it stays on the record."""
        self.call(
            "DELETE",
            filled("/v1/stakeholders/{id}/memberships/{membership_id}", id=id, membership_id=membership_id),
            query={"on": on},
            key=key,
        )

    def get_stakeholders_tags(
        self, id: str, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.TagOutPage:
        """List a stakeholder's tags."""
        found: types.TagOutPage = self.call(
            "GET",
            filled("/v1/stakeholders/{id}/tags", id=id),
            query={"limit": limit, "after": after, "before": before},
        )
        return found

    def put_stakeholders_tags_one(self, id: str, name: str, *, key: str | None = None) -> types.TagOut:
        """Give a stakeholder a tag; capitals make no difference."""
        found: types.TagOut = self.call(
            "PUT", filled("/v1/stakeholders/{id}/tags/{name}", id=id, name=name), key=key
        )
        return found

    def delete_stakeholders_tags_one(self, id: str, name: str, *, key: str | None = None) -> None:
        """Take a tag away."""
        self.call("DELETE", filled("/v1/stakeholders/{id}/tags/{name}", id=id, name=name), key=key)

    def get_stops(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.StopOutPage:
        """List all stops, standing and lifted."""
        found: types.StopOutPage = self.call(
            "GET", "/v1/stops", query={"limit": limit, "after": after, "before": before}
        )
        return found

    def post_stops(self, body: types.StopNew, *, key: str | None = None) -> types.StopOut:
        """Stop sending, with a reason."""
        found: types.StopOut = self.call("POST", "/v1/stops", body=body, key=key)
        return found

    def post_stops_lift(self, id: str, body: types.StopLift, *, key: str | None = None) -> types.StopOut:
        """Lift a stop; what it held goes by itself."""
        found: types.StopOut = self.call("POST", filled("/v1/stops/{id}/lift", id=id), body=body, key=key)
        return found

    def get_strategies(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.StrategyOutPage:
        """List strategies."""
        found: types.StrategyOutPage = self.call(
            "GET", "/v1/strategies", query={"limit": limit, "after": after, "before": before}
        )
        return found

    def post_strategies(self, body: types.StrategyNew, *, key: str | None = None) -> types.StrategyOut:
        """Open a strategy for a segment, or for everyone in a programme."""
        found: types.StrategyOut = self.call("POST", "/v1/strategies", body=body, key=key)
        return found

    def get_strategies_one(self, id: str) -> types.StrategyOut:
        """Read one strategy and which version is in force."""
        found: types.StrategyOut = self.call("GET", filled("/v1/strategies/{id}", id=id))
        return found

    def post_strategies_archive(self, id: str, *, key: str | None = None) -> types.StrategyOut:
        """Write nothing new under it; what runs under it goes on."""
        found: types.StrategyOut = self.call("POST", filled("/v1/strategies/{id}/archive", id=id), key=key)
        return found

    def put_strategies_draft(
        self, id: str, body: types.VersionNew, *, key: str | None = None
    ) -> types.StrategyDraftOut:
        """Keep what you have written of the next version."""
        found: types.StrategyDraftOut = self.call(
            "PUT", filled("/v1/strategies/{id}/draft", id=id), body=body, key=key
        )
        return found

    def delete_strategies_draft(self, id: str, *, key: str | None = None) -> None:
        """Forget your draft."""
        self.call("DELETE", filled("/v1/strategies/{id}/draft", id=id), key=key)

    def get_strategies_parties(self, id: str) -> types.Parties:
        """List who must agree, who is consulted and who is informed."""
        found: types.Parties = self.call("GET", filled("/v1/strategies/{id}/parties", id=id))
        return found

    def put_strategies_parties(
        self, id: str, body: types.PartiesNew, *, key: str | None = None
    ) -> types.Parties:
        """Name the parties anew."""
        found: types.Parties = self.call(
            "PUT", filled("/v1/strategies/{id}/parties", id=id), body=body, key=key
        )
        return found

    def get_strategies_versions(self, id: str) -> types.Versions:
        """List the versions, newest first."""
        found: types.Versions = self.call("GET", filled("/v1/strategies/{id}/versions", id=id))
        return found

    def post_strategies_versions(
        self, id: str, body: types.VersionNew, *, key: str | None = None
    ) -> types.VersionOut:
        """Write the next version; it never changes afterwards."""
        found: types.VersionOut = self.call(
            "POST", filled("/v1/strategies/{id}/versions", id=id), body=body, key=key
        )
        return found

    def get_strategies_versions_one(self, id: str, n: int) -> types.VersionOut:
        """Read one version with its digest."""
        found: types.VersionOut = self.call("GET", filled("/v1/strategies/{id}/versions/{n}", id=id, n=n))
        return found

    def get_strategies_versions_agreements(self, id: str, n: int) -> types.Positions:
        """List every party with what they decided."""
        found: types.Positions = self.call(
            "GET", filled("/v1/strategies/{id}/versions/{n}/agreements", id=id, n=n)
        )
        return found

    def post_strategies_versions_agreements(
        self, id: str, n: int, body: types.AgreementNew, *, key: str | None = None
    ) -> types.AgreementOut:
        """Agree or refuse for your part, or record what was decided elsewhere."""
        found: types.AgreementOut = self.call(
            "POST", filled("/v1/strategies/{id}/versions/{n}/agreements", id=id, n=n), body=body, key=key
        )
        return found

    def get_strategies_versions_comments(self, id: str, n: int) -> types.Comments:
        """List what was said and what was answered."""
        found: types.Comments = self.call(
            "GET", filled("/v1/strategies/{id}/versions/{n}/comments", id=id, n=n)
        )
        return found

    def post_strategies_versions_comments(
        self, id: str, n: int, body: types.CommentNew, *, key: str | None = None
    ) -> types.CommentOut:
        """Comment on a section."""
        found: types.CommentOut = self.call(
            "POST", filled("/v1/strategies/{id}/versions/{n}/comments", id=id, n=n), body=body, key=key
        )
        return found

    def post_strategies_versions_comments_answer(
        self, id: str, n: int, comment_id: str, body: types.CommentAnswer, *, key: str | None = None
    ) -> types.CommentOut:
        """Answer a comment: you said, we did."""
        found: types.CommentOut = self.call(
            "POST",
            filled(
                "/v1/strategies/{id}/versions/{n}/comments/{comment_id}/answer",
                id=id,
                n=n,
                comment_id=comment_id,
            ),
            body=body,
            key=key,
        )
        return found

    def post_strategies_versions_comments_settle(
        self, id: str, n: int, comment_id: str, *, key: str | None = None
    ) -> types.CommentOut:
        """Say that the change that was asked for is made, or is not needed."""
        found: types.CommentOut = self.call(
            "POST",
            filled(
                "/v1/strategies/{id}/versions/{n}/comments/{comment_id}/settle",
                id=id,
                n=n,
                comment_id=comment_id,
            ),
            key=key,
        )
        return found

    def post_strategies_versions_links(
        self, id: str, n: int, body: types.LinkNew, *, key: str | None = None
    ) -> types.LinkOut:
        """Make a link for an outside party; it is shown this once."""
        found: types.LinkOut = self.call(
            "POST", filled("/v1/strategies/{id}/versions/{n}/links", id=id, n=n), body=body, key=key
        )
        return found

    def get_suppressions(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        stakeholder_id: str | None = None,
        channel: str | None = None,
        reason: Literal["hard_bounce", "spam_complaint", "opt_out", "no_contact", "manual"] | None = None,
        standing: bool | None = None,
    ) -> types.SuppressionOutPage:
        """List what stops the people of your programmes."""
        found: types.SuppressionOutPage = self.call(
            "GET",
            "/v1/suppressions",
            query={
                "limit": limit,
                "after": after,
                "before": before,
                "stakeholder_id": stakeholder_id,
                "channel": channel,
                "reason": reason,
                "standing": standing,
            },
        )
        return found

    def post_suppressions(
        self, body: types.SuppressionNew, *, key: str | None = None
    ) -> types.SuppressionOut:
        """Do not contact an address or a stakeholder any more."""
        found: types.SuppressionOut = self.call("POST", "/v1/suppressions", body=body, key=key)
        return found

    def post_suppressions_lift(
        self, id: str, body: types.Lift, *, key: str | None = None
    ) -> types.SuppressionOut:
        """Lift a suppression, with a reason."""
        found: types.SuppressionOut = self.call(
            "POST", filled("/v1/suppressions/{id}/lift", id=id), body=body, key=key
        )
        return found

    def get_tasks(
        self,
        *,
        which: Literal["mine", "all", "overdue", "ended"] | None = None,
        programme_id: str | None = None,
        after: str | None = None,
    ) -> types.TaskOutPage:
        """List tasks by when they are due: yours, all, those overdue, or those that have ended."""
        found: types.TaskOutPage = self.call(
            "GET", "/v1/tasks", query={"which": which, "programme_id": programme_id, "after": after}
        )
        return found

    def post_tasks(self, body: types.TaskNew, *, key: str | None = None) -> types.TaskOut:
        """Give a colleague, or yourself, something to do."""
        found: types.TaskOut = self.call("POST", "/v1/tasks", body=body, key=key)
        return found

    def get_tasks_one(self, id: str) -> types.TaskOut:
        """Show a task."""
        found: types.TaskOut = self.call("GET", filled("/v1/tasks/{id}", id=id))
        return found

    def put_tasks_one(
        self, id: str, body: types.TaskValues, if_match: str, *, key: str | None = None
    ) -> types.TaskOut:
        """Say a task better, for another day, or give it to somebody else."""
        found: types.TaskOut = self.call(
            "PUT", filled("/v1/tasks/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def post_tasks_end(self, id: str, body: types.TaskEnd, *, key: str | None = None) -> types.TaskOut:
        """Say that it is done, or dropped."""
        found: types.TaskOut = self.call("POST", filled("/v1/tasks/{id}/end", id=id), body=body, key=key)
        return found

    def post_tasks_reopen(self, id: str, *, key: str | None = None) -> types.TaskOut:
        """Say that it is to be done after all."""
        found: types.TaskOut = self.call("POST", filled("/v1/tasks/{id}/reopen", id=id), key=key)
        return found

    def get_templates(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.TemplateOutPage:
        """List templates."""
        found: types.TemplateOutPage = self.call(
            "GET", "/v1/templates", query={"limit": limit, "after": after, "before": before}
        )
        return found

    def post_templates(self, body: types.TemplateNew, *, key: str | None = None) -> types.TemplateOut:
        """Open a template."""
        found: types.TemplateOut = self.call("POST", "/v1/templates", body=body, key=key)
        return found

    def get_templates_one(self, id: str) -> types.TemplateOut:
        """Read one template."""
        found: types.TemplateOut = self.call("GET", filled("/v1/templates/{id}", id=id))
        return found

    def post_templates_render(
        self, id: str, body: types.RenderNew, *, key: str | None = None
    ) -> types.RenderedOut:
        """Fill a version in, for a look."""
        found: types.RenderedOut = self.call(
            "POST", filled("/v1/templates/{id}/render", id=id), body=body, key=key
        )
        return found

    def get_templates_versions(self, id: str) -> types.TemplateVersions:
        """List the versions, newest first."""
        found: types.TemplateVersions = self.call("GET", filled("/v1/templates/{id}/versions", id=id))
        return found

    def post_templates_versions(
        self, id: str, body: types.TemplateVersionNew, *, key: str | None = None
    ) -> types.TemplateVersionOut:
        """Write the next version; it is checked now and never changes."""
        found: types.TemplateVersionOut = self.call(
            "POST", filled("/v1/templates/{id}/versions", id=id), body=body, key=key
        )
        return found

    def post_templates_versions_approve(
        self, id: str, n: int, body: types.ApproveNew, *, key: str | None = None
    ) -> types.TemplateVersionOut:
        """Approve the words you read for use through the API with any data."""
        found: types.TemplateVersionOut = self.call(
            "POST", filled("/v1/templates/{id}/versions/{n}/approve", id=id, n=n), body=body, key=key
        )
        return found

    def get_tokens(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.TokenOutPage:
        """List your tokens; administrators of everything see all."""
        found: types.TokenOutPage = self.call(
            "GET", "/v1/tokens", query={"limit": limit, "after": after, "before": before}
        )
        return found

    def post_tokens(self, body: types.TokenNew, *, key: str | None = None) -> types.TokenShown:
        """Make a token; the answer shows it this once."""
        found: types.TokenShown = self.call("POST", "/v1/tokens", body=body, key=key)
        return found

    def delete_tokens_one(self, id: str, *, key: str | None = None) -> None:
        """Revoke a token at once."""
        self.call("DELETE", filled("/v1/tokens/{id}", id=id), key=key)

    def post_tokens_rotate(
        self, id: str, body: types.Rotation, *, key: str | None = None
    ) -> types.TokenShown:
        """Replace a token; the answer shows the new one this once."""
        found: types.TokenShown = self.call(
            "POST", filled("/v1/tokens/{id}/rotate", id=id), body=body, key=key
        )
        return found

    def get_topics(self) -> types.TopicsOut:
        """List the topics of your programmes and those all share, by name."""
        found: types.TopicsOut = self.call("GET", "/v1/topics")
        return found

    def post_topics(self, body: types.TopicNew, *, key: str | None = None) -> types.TopicOut:
        """Make a topic."""
        found: types.TopicOut = self.call("POST", "/v1/topics", body=body, key=key)
        return found

    def get_topics_one(self, id: str) -> types.TopicOut:
        """Show a topic."""
        found: types.TopicOut = self.call("GET", filled("/v1/topics/{id}", id=id))
        return found

    def patch_topics_one(
        self, id: str, body: types.TopicChange, if_match: str, *, key: str | None = None
    ) -> types.TopicOut:
        """Name a topic anew, or take it out of use and back."""
        found: types.TopicOut = self.call(
            "PATCH", filled("/v1/topics/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def get_urgent_goes(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        due: bool | None = None,
    ) -> types.UrgentGoOutPage:
        """List urgent goes; `due=true` are those nobody has reviewed."""
        found: types.UrgentGoOutPage = self.call(
            "GET", "/v1/urgent_goes", query={"limit": limit, "after": after, "before": before, "due": due}
        )
        return found

    def post_urgent_goes_review(
        self, id: str, body: types.ReviewNew, *, key: str | None = None
    ) -> types.UrgentGoOut:
        """Say afterwards whether it was right to send; not by who let it go."""
        found: types.UrgentGoOut = self.call(
            "POST", filled("/v1/urgent_goes/{id}/review", id=id), body=body, key=key
        )
        return found

    def get_users(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.UserOutPage:
        """List the users."""
        found: types.UserOutPage = self.call(
            "GET", "/v1/users", query={"limit": limit, "after": after, "before": before}
        )
        return found

    def post_users(self, body: types.UserNew, *, key: str | None = None) -> types.UserOut:
        """Make a user, who can do nothing until granted."""
        found: types.UserOut = self.call("POST", "/v1/users", body=body, key=key)
        return found

    def get_users_one(self, id: str) -> types.UserOut:
        """Read one user."""
        found: types.UserOut = self.call("GET", filled("/v1/users/{id}", id=id))
        return found

    def patch_users_one(
        self, id: str, body: types.UserChange, if_match: str, *, key: str | None = None
    ) -> types.UserOut:
        """Change a user; a disabled one is out at once."""
        found: types.UserOut = self.call(
            "PATCH", filled("/v1/users/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def get_webhook_endpoints(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> types.EndpointOutPage:
        """List the endpoints of the programmes you administer."""
        found: types.EndpointOutPage = self.call(
            "GET", "/v1/webhook_endpoints", query={"limit": limit, "after": after, "before": before}
        )
        return found

    def post_webhook_endpoints(
        self, body: types.EndpointNew, *, key: str | None = None
    ) -> types.EndpointShown:
        """Set up an endpoint; the answer shows its secret this once."""
        found: types.EndpointShown = self.call("POST", "/v1/webhook_endpoints", body=body, key=key)
        return found

    def get_webhook_endpoints_one(self, id: str) -> types.EndpointOut:
        """Show an endpoint."""
        found: types.EndpointOut = self.call("GET", filled("/v1/webhook_endpoints/{id}", id=id))
        return found

    def patch_webhook_endpoints_one(
        self, id: str, body: types.EndpointChange, if_match: str, *, key: str | None = None
    ) -> types.EndpointOut:
        """Change an endpoint, or set it active again: it is then told what happened meanwhile, a week back."""
        found: types.EndpointOut = self.call(
            "PATCH", filled("/v1/webhook_endpoints/{id}", id=id), body=body, if_match=if_match, key=key
        )
        return found

    def delete_webhook_endpoints_one(self, id: str, *, key: str | None = None) -> None:
        """Remove an endpoint and its log."""
        self.call("DELETE", filled("/v1/webhook_endpoints/{id}", id=id), key=key)

    def get_webhook_endpoints_deliveries(
        self,
        id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        state: Literal["waiting", "sent", "failed"] | None = None,
    ) -> types.ToldOutPage:
        """List what it was told and is still to be told, newest first, with every try."""
        found: types.ToldOutPage = self.call(
            "GET",
            filled("/v1/webhook_endpoints/{id}/deliveries", id=id),
            query={"limit": limit, "after": after, "before": before, "state": state},
        )
        return found

    def post_webhook_endpoints_deliveries_replay(
        self, id: str, delivery_id: str, *, key: str | None = None
    ) -> types.ToldOut:
        """Tell it this once more, under the same `webhook-id`."""
        found: types.ToldOut = self.call(
            "POST",
            filled(
                "/v1/webhook_endpoints/{id}/deliveries/{delivery_id}/replay", id=id, delivery_id=delivery_id
            ),
            key=key,
        )
        return found

    def post_webhook_endpoints_replay(
        self, id: str, body: types.Since, *, key: str | None = None
    ) -> types.Replayed:
        """Tell it once more whatever failed since then."""
        found: types.Replayed = self.call(
            "POST", filled("/v1/webhook_endpoints/{id}/replay", id=id), body=body, key=key
        )
        return found

    def post_webhook_endpoints_rotate(
        self, id: str, body: types.Overlap, *, key: str | None = None
    ) -> types.EndpointShown:
        """Replace the secret; the answer shows the new one this once."""
        found: types.EndpointShown = self.call(
            "POST", filled("/v1/webhook_endpoints/{id}/rotate", id=id), body=body, key=key
        )
        return found

    def post_webhook_endpoints_test(self, id: str, *, key: str | None = None) -> types.ToldOut:
        """Tell it `webhook_endpoint.tested`, to see whether it hears."""
        found: types.ToldOut = self.call("POST", filled("/v1/webhook_endpoints/{id}/test", id=id), key=key)
        return found
