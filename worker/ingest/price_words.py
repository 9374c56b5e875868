"""The words around the number of a price cell: taxes, units, labels; those that say there is no price; several pieces.

A small grammar instead of a list of cells: each kind of word has its forms in ten languages, and what is left of a cell
without them must be one number with its currency.
"""

import re

from worker.amounts.currencies import MARKS

MISSING = frozenset(
    ["", "-", "--", "---", "–", "—", "n/a", "na", "n.a.", "#n/a", "nan", "null", "none", "nil", "\\n", "(null)", "?"]
)
"""Cells, in lower case, that say there is no value."""

_NONE = """
poa|p.o.a|on application|por|on request|upon request|request a quote|get a quote|quote|ask|ask for price|enquire|inquire
call|call us|call for price|call for pricing|call for quote|call to order|please call|contact us|contact for price
see in cart|see store|log in for price|login for price|free|gratis|kostenlos|gratuit|gratuito|бесплатно
tbd|t.b.d|tba|tbc|to be determined|to be announced|to be confirmed
sold out|out of stock|unavailable|not available|currently unavailable|discontinued
no price|unknown|not set|n.v|market price
auf anfrage|a.a|anfragen|bitte anfragen|nicht verfügbar|nicht lieferbar|ausverkauft|vergriffen|unbekannt|tagespreis
sur demande|sur devis|nous consulter|nous contacter|épuisé|non disponible|indisponible|inconnu|à définir
bajo consulta|bajo pedido|a consultar|consultar|consulte|consúltenos|agotado|no disponible|desconocido|a convenir
su richiesta|a richiesta|da definire|esaurito|contattaci|non disponibile|sob consulta|consulte-nos|esgotado|indisponível
op aanvraag|uitverkocht|niet beschikbaar|prijs onbekend|nader te bepalen
na zapytanie|zapytaj|zapytaj o cenę|wyprzedane|niedostępny|brak|do uzgodnienia
på förfrågan|efter förfrågan|slutsåld|på forespørgsel|på forespørsel|udsolgt|utsolgt
по запросу|под заказ|договорная|уточняйте|нет в наличии|нет|na dotaz|vyprodáno|talep üzerine|sorunuz|tükendi
要問い合わせ|お問い合わせ|お問い合わせください|応相談|売り切れ|オープン価格|未定|面议|询价|缺货|电话咨询|待定|문의|품절
"""
_NO_PRICE = frozenset(word.strip() for line in _NONE.strip().splitlines() for word in line.split("|"))
_OF_PRICE = "price|pricing|preis|prix|precio|prezzo|preço|prijs|cena|pris|цена|fiyat|価格|价格|가격"
_LEADING = re.compile(rf"^(?:{_OF_PRICE})\s*:?\s+|^(?:価格|价格|가격)")


def says_none(cell: str) -> bool:
    """Whether a cell says in words that there is no price: "POA", "auf Anfrage"; not empty ones, which are MISSING."""
    if len(cell) > 60:
        return False
    text = " ".join(cell.casefold().split()).strip(" .!*…()[]")
    return text in _NO_PRICE or _LEADING.sub("", text) in _NO_PRICE


_TAX_NAMES = (
    "(?:sales )?tax(?:es)?|vat|gst|hst|pst|mwst|mehrwertsteuer|ust|tva|iva|btw|moms|mva|kdv|dph|vat|ptu|ндс|消費税|税"
)
_WITH = (
    "including|includes|incl?|inclusive of|inclusive|inkl|inclusive|excluding|exclusive of|"
    "excl?|exkl|plus|zzgl|zuzüglich|"
    "without|with|before|after|ohne|mit|avec|sans|hors|con|sin|senza|com|sem|zonder|bez|utan|med|uden|uten|без|с|z|ex|\\+"
)
_TAX = (
    rf"(?:(?:{_WITH})\.?\s*)?(?:\d{{1,2}}(?:[.,]\d)?\s?%\s*)?(?:{_TAX_NAMES})\b\.?"
    r"(?:\s*(?:incl(?:uded|uida|uido|usa|use|us)?|excl(?:uded|uida|uido|usa)?|esclusa|inbegriffen|comprise)\b\.?)?"
    r"|(?:ttc|ht|netto|brutto|net|gross|nett|税込|税抜|税別|含税)\b"
    r"|(?:incl?\.?|inkl\.?|excl?\.?|exkl\.?|plus|zzgl\.?|\+|with|free)\s*"
    r"(?:shipping|postage|p&p|delivery|versand|versandkosten|livraison|envío|envio|spedizione|verzending|dostawa)\b"
)
_UNIT = (
    "each|ea|piece|pieces|pce|pcs?|item|unit|units|pair|dozen|doz|set|box|pack|packet|case|bottle|can|roll|sheet|bag|"
    "kg|kilo|kilogram|g|gram|mg|lbs?|pound|oz|ounce|tonne|ton|t|l|litre|liter|ltr|ml|cl|gal|gallon|m|metre|meter|cm|mm|"
    "ft|foot|yd|yard|inch|m2|m²|m3|m³|sqm|sq m|sq ft|hour|hr|h|day|week|month|mo|year|yr|person|user|"
    "stück|stk|st|paar|packung|flasche|dose|rolle|karton|monat|jahr|stunde|tag|"
    "pièce|piece|unité|paire|boîte|bouteille|mois|an|lot|pieza|unidad|ud|uds|par|caja|botella|mes|año|"
    "pezzo|pz|unità|paio|scatola|bottiglia|confezione|mese|peça|un|caixa|garrafa|mês|"
    "stuk|stuks|paar|doos|fles|maand|szt|sztuka|para|opak|op|butelka|miesiąc|styck|stykk|par|"
    "шт|штука|штуку|кг|г|л|м|уп|пара|месяц|ks|kus|adet|個|本|枚|箱|件|个|只|瓶|개"
)
_PER = (
    rf"(?:(?:/|(?<!\w)(?:per|pro|je|par|por|al|alla|il|à la|a la|le|la|l'|za|na|za|på|pr\.?|на|за)(?!\w))\s*"
    rf"(?:\d{{1,4}}\s*)?(?:{_UNIT})(?!\w)\.?)"
    r"|(?<!\w)(?:each|ea\.?|apiece|a piece|la pièce|l'unité|cada uno|cada|c/u|cadauno|cad\.|per stuk|das stück)(?!\w)"
)
_LABEL = (
    "rrp|msrp|srp|uvp|pvp|rsp|map|aktionspreis|list price|our price|retail price|sale price|special price|"
    f"(?:{_OF_PRICE})(?=\\s*:)|now only|now|only|just|special|offer|sale|deal|nur|jetzt|statt nur|aktuell|"
    "seulement|solamente|"
    "sólo|solo|soltanto|apenas|só|slechts|nu|tylko|teraz|kun|endast|bara|только|всего|sadece|pouze"
)
_ABOUT = (
    "approximately|approx|appr|circa|ca|about|around|roughly|est|estimated|etwa|ungefähr|rund|environ|env|aproximadamente|"
    "aprox|unos|unas|ongeveer|około|ok|cirka|omkring|примерно|около|ок|yaklaşık|asi|約|约|약"
)
_ASIDE = "\x1f"  # stands where words were: no part of a number, so that two numbers never become one
_AROUND = re.compile(
    rf"(?P<tax>\(?(?<!\w)(?:{_TAX})\)?|(?<!\w)\+\s*(?:{_TAX_NAMES})\b\.?|\(\s*(?:{_TAX})\s*\))"
    rf"|(?P<unit>\(?(?:{_PER})\)?)"
    rf"|(?P<label>(?<!\w)(?:{_LABEL})(?!\w)\.?\s*:?)"
    rf"|(?P<about>(?<!\w)(?:{_ABOUT})(?![\w$])\.?|^\s*[~≈]\s*)"
    r"|(?P<mark>(?<=\S)\s*[*†‡!]+\s*$)"
    r"|(?P<asian>\(?(?:税込み?|税抜き?|税別|含税|约|約)\)?)",
    re.IGNORECASE,
)
_SPLIT_SIGN = re.compile(r"\b(us|ca|au|nz|hk|sg|s|a|c|nt|mx|r|cdn)\s+\$", re.IGNORECASE)
_SIGN_FIRST = re.compile(r"\$\s?(us|ca|au|nz|hk|can)(?!\w)", re.IGNORECASE)
_ODD_SIGN = {"can$": "ca$", "sg$": "s$"}
_SEVERAL = re.compile(
    r"^(?P<n>[1-9]\d{0,3})\s*(?:(?:pcs?|pieces|stück|stk\.?|st\.?|szt\.?|шт\.?|x)\s*)?"
    r"(?:(?:for|für|fuer|pour|por|per|voor|za|för|for kun|за|à)\s+(?=\D{0,4}\d)|"
    r"/\s*(?=[^\d\s/]{1,3}\s?\d))(?P<price>.+)$",
    re.IGNORECASE,
)


def money_of(cell: str) -> tuple[str, tuple[str, ...]]:
    """The number of a cell with its currency, and the words that stood beside it."""
    if not _has_words(cell) or not is_known(cell):
        return cell, ()
    text = _with_joined_sign(cell)
    words: list[str] = []

    def aside(match: re.Match[str]) -> str:
        word = match[0].strip()
        if word:
            words.append(" ".join(word.casefold().strip("()").split()))
        return f" {_ASIDE} " if word else match[0]

    text = _AROUND.sub(aside, text)
    if not words:
        return text, ()
    pieces = [piece.strip(" ,;:") for piece in text.split(_ASIDE)]
    kept = [piece for piece in pieces if piece and piece not in ("(", ")", "()")]
    # Two pieces with digits are two numbers: what stood between them stays, and the cell is none.
    together = f" {_ASIDE} ".join(kept) if sum(any(map(str.isdigit, each)) for each in kept) > 1 else " ".join(kept)
    return together, tuple(words)


def _has_words(cell: str) -> bool:
    """Whether anything may stand beside the number and its currency. Most cells have nothing, and are done."""
    return bool(_BESIDE.search(cell)) or any(word not in _MONEY_ALONE for word in _LETTERS.findall(cell.casefold()))


def is_known(cell: str) -> bool:
    """Whether a price cell may have the words that this one has. Cheap: titles with a number in them are asked too."""
    return all(word in _VOCABULARY or word in _MONEY_ALONE for word in _LETTERS.findall(cell.casefold()))


def _with_joined_sign(cell: str) -> str:
    """The cell with dollars of a country written in one: "US $24.99", "24,99 $ CA"."""

    def joined(match: re.Match[str]) -> str:
        sign = f"{match[1]}$"
        return _ODD_SIGN.get(sign.casefold(), sign)

    return _SIGN_FIRST.sub(joined, _SPLIT_SIGN.sub(joined, cell)) if "$" in cell else cell


def several_of(cell: str) -> tuple[int, str] | None:
    """Pieces and what they cost together, of a cell like "12 for $10" or "2/$5"; None for any other."""
    found = _SEVERAL.match(cell.strip())
    return (int(found["n"]), found["price"].strip()) if found and int(found["n"]) > 1 else None


_RANGE = re.compile(
    r"^(?P<low>.*?\d[^\d]*?)\s*(?:-|–|—|~|…|\.\.+|\b(?:to|bis|à|a|do|hasta|until|tot|do|до|til)\b)\s*"
    r"(?P<high>\D{0,6}\d.*)$",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"^(?:from|starting (?:at|from)|starts at|ab|à partir de|a partir de|dès|desde|a partire da|da|vanaf|od|от|från|"
    r"fra|min\.?|>=?|≥)\s*:?\s*(?=\D{0,5}\d)",
    re.IGNORECASE,
)


def ends_of(cell: str) -> tuple[str, str] | None:
    """What a range names as its ends, the higher "" where it is open ("from 9.99"); None for what is no range."""
    text = cell.strip()
    opened = _FROM.match(text)
    if opened:
        rest = text[opened.end() :]
        inner = ends_of(rest)
        return inner or (rest, "")
    if text.endswith("+") and text[:-1].strip()[-1:].isdigit():
        return text[:-1].strip(), ""
    found = _RANGE.match(text)
    return (found["low"].strip(), found["high"].strip()) if found else None


_LETTERS = re.compile(r"[a-zà-öø-žа-яё]+")  # of the scripts that have spaces between words
_BESIDE = re.compile(r"[*†‡!~≈+/]|[^\W\d_a-zà-öø-žа-яё]", re.IGNORECASE)
_INFLECTED = (
    "inc exc lb pc included includes incluida incluido inclusa inclusive inclus incluse excluded "
    "excluida excluido exclusa p us ca au nz hk sg s a c nt mx r cdn can rs kr rp tl lei euros dollars kc zl fr "
    "e taxes dot b d h l m g t u w x"
)
_VOCABULARY = frozenset(_INFLECTED.split()) | frozenset(
    word
    for pattern in (_TAX, _PER, _LABEL, _ABOUT, _SEVERAL.pattern, _RANGE.pattern, _FROM.pattern)
    for word in _LETTERS.findall(re.sub(r"\\\w", " ", pattern))
)
_MONEY_ALONE = frozenset(word for mark in MARKS for word in _LETTERS.findall(mark)) - _VOCABULARY
