"""The invented people, places and words of the sample year. Nobody here exists; every address ends in .example."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

PLACES = ("Abergwynt", "Llanfelyn", "Porth Arian", "Trefaes", "Cwm Eithin", "Pentre Halen")
WELSH = (
    ("Gwen", "Rhys", "Mair", "Dafydd", "Nia", "Iolo", "Siân", "Emyr", "Lowri", "Huw", "Elin",
     "Owain", "Catrin", "Gethin"),
    ("Parry", "Llywelyn", "Evans", "ap Huw", "Owen", "Pugh", "Roberts", "Morgan", "Prydderch", "Ellis", "Gruffydd"),
)  # fmt: skip
ENGLISH = (
    (
        "Helen",
        "Tom",
        "Ruth",
        "Martin",
        "Grace",
        "Peter",
        "Amy",
        "Colin",
        "Jane",
        "Stephen",
        "Kate",
        "Simon",
        "Laura",
    ),
    (
        "Marsh",
        "Carter",
        "Whitfield",
        "Hobbs",
        "Langley",
        "Dunn",
        "Fletcher",
        "Thorne",
        "Barker",
        "Steele",
        "Frost",
    ),
)
ARABIC = (
    ("ليلى", "أحمد", "مريم", "يوسف", "هدى", "سامر", "نور", "خالد", "رنا", "إبراهيم", "سلمى", "عمر", "زينب"),
    ("حداد", "المصري", "خليل", "النجار", "عبد الله", "الخطيب", "سليمان", "درويش", "منصور", "الشامي", "عثمان"),
)
LATIN = {
    "ليلى": "layla", "أحمد": "ahmad", "مريم": "maryam", "يوسف": "yusuf", "هدى": "huda", "سامر": "samir", "نور": "nur",
    "خالد": "khalid", "رنا": "rana", "إبراهيم": "ibrahim", "سلمى": "salma", "عمر": "umar", "زينب": "zaynab",
}  # fmt: skip
BODIES = (
    ("organisation", "Bwrdd Iechyd Glannau Arian (sample)", ("cy", "en")),
    ("organisation", "Abergwynt Pharmacists' Network (sample)", ("en",)),
    ("community", "جمعية الصداقة العربية في أبرغوينت (sample)", ("ar", "en")),
    ("organisation", "Canolfan Gymunedol y Llusern (sample)", ("cy", "ar", "en")),
    ("group", "Merched y Wawr, Llanfelyn (sample)", ("cy",)),
    ("group", "Porth Arian Carers' Circle (sample)", ("en", "cy")),
    ("organisation", "Ysgol Trefaes (sample)", ("cy", "en")),
    ("organisation", "Cwm Eithin Foodbank (sample)", ("en", "cy")),
)


@dataclass(frozen=True, slots=True)
class Idea:
    """What one mail says, as {language: (subject, text)}, and the post that goes with it."""

    name: str
    post: str
    words: dict[str, tuple[str, str]]


def _ideas() -> Iterator[Idea]:
    read = tomllib.loads(resources.files(__package__).joinpath("ideas.toml").read_text("utf-8"))
    for one in read["idea"]:
        words = {code: (one[code]["subject"], one[code]["text"]) for code in ("en", "cy", "ar")}
        yield Idea(one["name"], one["post"], words)


IDEAS = tuple(_ideas())

REPLIES: dict[str, tuple[str, ...]] = {
    "cy": (
        "Diolch yn fawr! Oes lle i ddau?", "Ble mae'r ganolfan, os gwelwch yn dda?",
        "Alla i ddod â'm mam gyda fi? Mae hi'n defnyddio cadair olwyn.", "Gwych. Welwn ni chi ddydd Sadwrn.",
        "Dydy'r ddolen ddim yn gweithio ar fy ffôn i.",
    ),
    "en": (
        "Is there parking at the Lantern centre?", "Thank you, that was very kind of the nurse.",
        "I have moved. Who do I tell?", "Can my daughter be vaccinated at the same time?",
        "The room in Trefaes was locked on Tuesday. We waited an hour in the rain.",
    ),
    "ar": (
        "شكرًا جزيلاً، هل يوجد مترجم يوم الخميس؟", "أين يقع المركز بالضبط؟", "هل اللقاح حلال؟",
        "أود أن أتطوع معكم.", "وصلتني الرسالة متأخرة، هل ما زال بإمكاني الحضور؟",
    ),
}  # fmt: skip
ANSWERS = {
    "cy": "Diolch am ysgrifennu. Oes, mae croeso i chi; byddwn ni yno i'ch cyfarfod.",
    "en": "Thank you for writing. Yes, you are welcome, and somebody will be there to meet you.",
    "ar": "شكرًا لكتابتكم. نعم، أهلًا وسهلًا بكم، وسيكون أحدنا في استقبالكم.",
}
MEETINGS = (
    (
        "meeting",
        "Canolfan y Llusern",
        "Agreed who brings interpreters, and when. Minutes are with the partnership.",
    ),
    ("call", "", "Asked for posters in Arabic before the end of the month; promised by Friday."),
    ("visit", "Llanfelyn", "Met twelve members. Two would speak at the autumn event."),
    ("letter", "", "Thanked us for the warm rooms and asked how long the funding lasts."),
    ("event", "Porth Arian", "Autumn fair: our table had about ninety visitors."),
)
