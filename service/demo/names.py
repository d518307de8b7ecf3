"""The invented people, places and words of the sample year. Nobody here exists; every address ends in .example."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

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
# How each of BODIES stands with us: role, rank, why, intent, what they bring.
RELATIONS = (
    (
        "partner",
        "primary",
        "Runs every surgery in the programme.",
        "delivering",
        "Vaccination hours in nine surgeries",
    ),
    (
        "partner",
        "primary",
        "People ask their pharmacist first.",
        "delivering",
        "Thursday evenings, in three languages",
    ),
    (
        "intermediary",
        "primary",
        "Knows the families we do not reach.",
        "committed",
        "Interpreters for every event",
    ),
    ("partner", "primary", "Has the rooms.", "delivering", "The hall, twice a week"),
    ("intermediary", "secondary", "Meets every month.", "exploring", ""),
    ("critic", "secondary", "Says plainly what does not work.", "exploring", ""),
    ("gatekeeper", "secondary", "Decides who may speak to pupils.", "unknown", ""),
    (
        "intermediary",
        "secondary",
        "Meets people when they need help.",
        "committed",
        "Leaflets with every parcel",
    ),
)
PROMISES = (
    (True, "Posters in Arabic", 4, ""),
    (True, "Minutes of the partnership meeting", -1, ""),
    (False, "A list of interpreters", 12, ""),
    (True, "A speaker for the autumn event", -60, "She spoke; the programme names her."),
)
SAVED = {
    "cy": ("Diolch", "Diolch am ysgrifennu, {name}. Byddwn yn ateb erbyn yfory."),
    "en": ("Thank you", "Thank you for writing, {name}. You will hear from us by tomorrow."),
    "ar": ("شكرًا", "شكرًا لكتابتك يا {name}. سنرد بحلول الغد."),
}
TOPICS = (
    {"en": "Vaccination", "cy": "Brechu", "ar": "التطعيم"},
    {"en": "Walks and meetings", "cy": "Teithiau cerdded a chyfarfodydd", "ar": "المشي واللقاءات"},
)
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
