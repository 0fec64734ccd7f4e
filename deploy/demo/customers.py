"""The customers of the demo: made up, always the same, as uneven as real ones."""

import random
from typing import Any

from stdnum import luhn
from stdnum.eu import vat

Customer = dict[str, Any]

COUNT = 1240
_SEED = 20260401
_WITH_VAT = 0.7
_SEGMENTS = ("RETAIL", "RETAIL", "RETAIL", "WHOLESALE", "WHOLESALE", "ONLINE", "PUBLIC", "KEY")
_LIMITS = ("500.00", "2500.00", "5000.00", "10000.00", "25000.00", "50000.00", "125000.50")
_NOTES = ("", "", "", "", "Pays by direct debit.", "Delivery before 10:00 only.", "Old no. 7714-B")

# country code: name, currency, languages, legal forms, VAT number (# is a digit), dialling code
COUNTRIES: dict[str, tuple[str, str, str, tuple[str, ...], str, str]] = {
    "DE": ("Germany", "EUR", "de", ("GmbH", "AG", "GmbH & Co. KG", "e.K."), "DE#########", "+49"),
    "AT": ("Austria", "EUR", "de", ("GmbH", "KG", "AG"), "ATU########", "+43"),
    "CH": ("Switzerland", "CHF", "de fr it", ("AG", "GmbH", "Sàrl"), "", "+41"),
    "FR": ("France", "EUR", "fr", ("SARL", "SAS", "S.A."), "FR", "+33"),
    "IT": ("Italy", "EUR", "it", ("S.r.l.", "S.p.A."), "IT#######015#", "+39"),
    "NL": ("Netherlands", "EUR", "nl", ("B.V.", "N.V."), "NL#########B01", "+31"),
    "PL": ("Poland", "PLN", "pl", ("Sp. z o.o.", "S.A."), "PL##########", "+48"),
}
_SHARES = (48, 14, 11, 8, 8, 6, 5)

_PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    "DE": (
        ("10115", "Berlin"), ("20095", "Hamburg"), ("50667", "Köln"), ("80331", "München"),
        ("04109", "Leipzig"), ("01067", "Dresden"), ("60311", "Frankfurt am Main"),
        ("70173", "Stuttgart"), ("28195", "Bremen"), ("45127", "Essen"), ("90402", "Nürnberg"),
        ("79098", "Freiburg im Breisgau"), ("97070", "Würzburg"), ("33602", "Bielefeld"),
    ),
    "AT": (
        ("1010", "Wien"), ("8010", "Graz"), ("4020", "Linz"), ("5020", "Salzburg"),
        ("6020", "Innsbruck"), ("9020", "Klagenfurt am Wörthersee"), ("3100", "St. Pölten"),
    ),
    "CH": (("8001", "Zürich"), ("1201", "Genève"), ("4001", "Basel"), ("6900", "Lugano")),
    "FR": (("75001", "Paris"), ("69001", "Lyon"), ("67000", "Strasbourg"), ("31000", "Toulouse")),
    "IT": (("20121", "Milano"), ("39100", "Bolzano"), ("37121", "Verona"), ("10121", "Torino")),
    "NL": (("1011 AB", "Amsterdam"), ("3011 AA", "Rotterdam"), ("5211 AA", "'s-Hertogenbosch")),
    "PL": (("00-001", "Warszawa"), ("30-001", "Kraków"), ("50-001", "Wrocław"), ("90-001", "Łódź")),
}  # fmt: skip
_STREETS = {
    "de": ("Hauptstraße", "Bahnhofstraße", "Industrieweg", "Am Alten Markt", "Lindenallee"),
    "fr": ("Rue de la Gare", "Avenue Victor Hugo", "Chemin des Écoliers"),
    "it": ("Via Roma", "Corso Italia", "Piazza della Libertà"),
    "nl": ("Dorpsstraat", "Stationsweg", "Oude Gracht"),
    "pl": ("ul. Długa", "ul. Kościuszki", "al. Jana Pawła II"),
}
_FAMILIES = {
    "de": ("Müller", "Huber", "Schäfer", "Vogt", "Köhler", "Brandt", "Weiß", "Gruber", "Öttl"),
    "fr": ("Lefèvre", "Moreau", "Garnier", "Dubois", "Béranger"),
    "it": ("Rossi", "Conti", "Ferrara", "D'Angelo", "Moretti"),
    "nl": ("De Vries", "Van Dijk", "Bakker", "Visser", "Smit"),
    "pl": ("Kowalski", "Nowak", "Wiśniewski", "Zieliński", "Wójcik"),
}
_TRADES = {
    "de": ("Maschinenbau", "Logistik", "Elektrotechnik", "Baustoffe", "Feinkost", "Möbelwerke"),
    "fr": ("Mécanique", "Transports", "Emballages", "Fournitures"),
    "it": ("Meccanica", "Trasporti", "Arredamenti", "Alimentari"),
    "nl": ("Techniek", "Transport", "Bouwmaterialen", "Zuivel"),
    "pl": ("Budownictwo", "Transport", "Meble", "Elektronika"),
}
_AWKWARD = (
    '"{name}"',
    "  {name}",
    "{name} ",
    "{name}, Niederlassung Süd; Lager 3",
    "{name} 🚚",
    "O'Neill & {name} <Söhne>",
    "{name} / Zażółć gęślą jaźń",
    "=1+1 {name}",
    "{name} — „Zum Anker“",
    "İstanbul {name} 株式会社",
)
_PLAIN = str.maketrans("äöüéèêàłśźńóçÖ", "aoueeealsznocO") | {ord("ß"): "ss"}


def all_customers() -> list[Customer]:
    """Every customer as first seeded, in the order of their ids."""
    rnd = random.Random(_SEED)
    return [_customer(rnd, number) for number in range(1, COUNT + 1)]


def other_place(customer: Customer) -> tuple[str, str]:
    """Postal code and city of another town in the customer's country."""
    places = _PLACES[customer["country"]]
    here = [city for _, city in places].index(customer["city"])
    return places[(here + 1) % len(places)]


def spoil(number: str) -> str:
    """A VAT number with one digit mistyped, which its check digit gives away."""
    for place in range(len(number) - 1, 1, -1):
        if number[place].isdigit():
            typed = str((int(number[place]) + 1) % 10)
            wrong = number[:place] + typed + number[place + 1 :]
            if not vat.is_valid(wrong):
                return wrong
    raise ValueError(number)


def _customer(rnd: random.Random, number: int) -> Customer:
    (country,) = rnd.choices(tuple(COUNTRIES), _SHARES)
    _, currency, languages, forms, pattern, dial = COUNTRIES[country]
    language = rnd.choice(languages.split())
    postal_code, city = rnd.choice(_PLACES[country])
    form, family = rnd.choice(forms), rnd.choice(_FAMILIES[language])
    trade = rnd.choice(_TRADES[language])
    owners = rnd.choice((family, f"{rnd.choice(_FAMILIES[language])} & {family}"))
    name = f"{owners} {trade} {form}"
    return {
        "id": f"C-{number:05d}",
        "name": _awkward(name, number) if number % 100 == 42 else name,
        "legal_form": form,
        "street": f"{rnd.choice(_STREETS[language])} {rnd.randint(1, 180)}",
        "postal_code": postal_code,
        "city": city,
        "country": country,
        "language": language,
        "vat": _vat(rnd, country, pattern) if pattern and rnd.random() < _WITH_VAT / 0.89 else None,
        "email": f"info@{_domain(family)}-{number}.example",
        "phone": f"{dial} {rnd.randint(20, 799)} {rnd.randint(100000, 9999999)}",
        "credit_limit": rnd.choice(_LIMITS),
        "currency": currency,
        "segment": rnd.choice(_SEGMENTS),
        "active": rnd.random() < 0.95,
        "note": rnd.choice(_NOTES),
    }


def _awkward(name: str, number: int) -> str:
    return _AWKWARD[number // 100 % len(_AWKWARD)].format(name=name)


def _domain(family: str) -> str:
    return family.translate(_PLAIN).lower().replace(" ", "-").replace("'", "")


def _vat(rnd: random.Random, country: str, pattern: str) -> str:
    if country == "FR":
        siren = "".join(rnd.choices("0123456789", k=8))
        siren += luhn.calc_check_digit(siren)
        return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"
    while True:
        number = "".join(rnd.choice("0123456789") if sign == "#" else sign for sign in pattern)
        if vat.is_valid(number):
            return str(number)
