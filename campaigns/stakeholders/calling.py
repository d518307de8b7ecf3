"""Telephone numbers as people write them at home, with what makes them reachable from anywhere.

Rules: a number with + or 00 is left as it is; one that may be read in two ways, or in none, is not guessed at.
Source: ITU-T E.164 for the countries' codes, and the countries' numbering plans (ITU-T E.129) for how many digits.
"""

from __future__ import annotations

import re

from ..errors import BadAddress

CHANNELS = ("sms", "phone", "whatsapp")
# A country's code, what is dialled before a number within it, and how many digits follow: at least, at most.
_Plan = tuple[str, str, int, int]
_PLANS: dict[str, _Plan] = {
    "AE": ("971", "0", 8, 9), "AL": ("355", "0", 8, 9), "AT": ("43", "0", 7, 12), "AU": ("61", "0", 9, 9),
    "BA": ("387", "0", 8, 8), "BD": ("880", "0", 8, 10), "BE": ("32", "0", 8, 9), "BG": ("359", "0", 8, 9),
    "BH": ("973", "", 8, 8), "BR": ("55", "0", 10, 11), "CA": ("1", "1", 10, 10), "CH": ("41", "0", 9, 9),
    "CN": ("86", "0", 10, 11), "CY": ("357", "", 8, 8), "CZ": ("420", "", 9, 9), "DE": ("49", "0", 6, 11),
    "DJ": ("253", "", 8, 8), "DK": ("45", "", 8, 8), "DZ": ("213", "0", 8, 9), "EE": ("372", "", 7, 8),
    "EG": ("20", "0", 8, 10), "ES": ("34", "", 9, 9), "FI": ("358", "0", 6, 11), "FR": ("33", "0", 9, 9),
    "GB": ("44", "0", 10, 10), "GH": ("233", "0", 9, 9), "GR": ("30", "", 10, 10), "HK": ("852", "", 8, 8),
    "HR": ("385", "0", 8, 9), "HU": ("36", "06", 8, 9), "ID": ("62", "0", 8, 11), "IE": ("353", "0", 7, 9),
    "IL": ("972", "0", 8, 9), "IN": ("91", "0", 10, 10), "IQ": ("964", "0", 8, 10), "IR": ("98", "0", 10, 10),
    "IS": ("354", "", 7, 7), "IT": ("39", "", 8, 11), "JO": ("962", "0", 8, 9), "JP": ("81", "0", 9, 10),
    "KE": ("254", "0", 9, 9), "KM": ("269", "", 7, 7), "KR": ("82", "0", 8, 10), "KW": ("965", "", 8, 8),
    "LB": ("961", "0", 7, 8), "LK": ("94", "0", 9, 9), "LT": ("370", "0", 8, 8), "LU": ("352", "", 6, 9),
    "LV": ("371", "", 8, 8), "LY": ("218", "0", 8, 9), "MA": ("212", "0", 9, 9), "MD": ("373", "0", 8, 8),
    "ME": ("382", "0", 8, 8), "MK": ("389", "0", 8, 8), "MR": ("222", "", 8, 8), "MT": ("356", "", 8, 8),
    "MX": ("52", "", 10, 10), "MY": ("60", "0", 8, 10), "NG": ("234", "0", 8, 10), "NL": ("31", "0", 9, 9),
    "NO": ("47", "", 8, 8), "NZ": ("64", "0", 8, 10), "OM": ("968", "", 8, 8), "PH": ("63", "0", 8, 10),
    "PK": ("92", "0", 9, 10), "PL": ("48", "", 9, 9), "PS": ("970", "0", 8, 9), "PT": ("351", "", 9, 9),
    "QA": ("974", "", 8, 8), "RO": ("40", "0", 9, 9), "RS": ("381", "0", 8, 9), "SA": ("966", "0", 8, 9),
    "SD": ("249", "0", 9, 9), "SE": ("46", "0", 7, 9), "SG": ("65", "", 8, 8), "SI": ("386", "0", 8, 8),
    "SK": ("421", "0", 9, 9), "SO": ("252", "0", 7, 9), "SY": ("963", "0", 8, 9), "TN": ("216", "", 8, 8),
    "TR": ("90", "0", 10, 10), "TZ": ("255", "0", 9, 9), "UA": ("380", "0", 9, 9), "UG": ("256", "0", 9, 9),
    "US": ("1", "1", 10, 10), "YE": ("967", "0", 7, 9), "ZA": ("27", "0", 9, 9), "ZM": ("260", "0", 9, 9),
    "ZW": ("263", "0", 8, 9),
}  # fmt: skip
COUNTRIES = tuple(_PLANS)
# Between the digits of a number; 0 in brackets is for those who call from within the country.
_BETWEEN = re.compile(r"\(0\)|[\s().\-/]")


def international(number: str, country: str | None) -> str:
    """A number as those of this country write it, with their code; BadAddress where it cannot be told.

    A spreadsheet leaves 447700900123 of +44 7700 900123, and 7700900123 of 07700 900123.
    """
    digits = _BETWEEN.sub("", number)
    if country is None or not (digits.isascii() and digits.isdigit()) or digits.startswith("00"):
        return number
    code, before, least, most = _PLANS[country]
    whole = [digits.removeprefix(code)] if digits.startswith(code) else []
    if before and digits.startswith(before):
        found = {digits.removeprefix(before)}
    else:
        found = {digits, *whole, *(one.removeprefix(before) for one in whole)}
    fit = [one for one in found if least <= len(one) <= most]
    if len(fit) != 1:
        raise BadAddress("write the number with its country code, such as +44 29 2000 0000", pointer="/value")
    return f"+{code}{fit[0]}"
