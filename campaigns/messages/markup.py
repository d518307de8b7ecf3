"""The HTML that may go out: an allow-list of tags, attributes, styles and links. Source: bad input T12."""

from __future__ import annotations

import nh3

TAGS = """
    a abbr b bdi bdo blockquote br caption center code col colgroup dd del div dl dt em figcaption figure font
    h1 h2 h3 h4 h5 h6 hr i img ins li ol p pre q s small span strong sub sup table tbody td tfoot th thead tr
    u ul
"""
DROPPED_WITH_CONTENT = "script style title iframe object svg math template noscript"
STYLES = """
    background-color border border-bottom border-collapse border-color border-left border-radius border-right
    border-spacing border-style border-top border-width color direction display font font-family font-size
    font-style font-weight height letter-spacing line-height list-style-type margin margin-bottom margin-left
    margin-right margin-top max-width min-width padding padding-bottom padding-left padding-right padding-top
    text-align text-decoration unicode-bidi vertical-align white-space width word-break
"""
ATTRIBUTES = {
    "*": "style dir lang title align valign width height bgcolor role",
    "a": "href name target",
    "img": "src alt border",
    "table": "border cellpadding cellspacing",
    "td": "colspan rowspan",
    "th": "colspan rowspan scope",
    "ol": "start type",
    "font": "color face size",
}

_CLEANER = nh3.Cleaner(
    tags=set(TAGS.split()),
    clean_content_tags=set(DROPPED_WITH_CONTENT.split()),
    attributes={tag: set(names.split()) for tag, names in ATTRIBUTES.items()},
    url_schemes={"http", "https", "mailto", "tel", "cid"},
    filter_style_properties=set(STYLES.split()),
    link_rel=None,
)


def clean(html: str) -> str:
    """The inside of a body without anything that runs, submits or embeds, and without the body tag itself."""
    return _CLEANER.clean(html) if html else ""
