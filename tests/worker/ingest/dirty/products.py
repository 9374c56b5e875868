"""Products whose every cell is known, and the words that their tables use."""

import math
from dataclasses import dataclass, field
from random import Random

TEXTS = ("id", "title", "description", "category", "brand")
FIELDS = (*TEXTS, "price")

HEADERS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "id": ("SKU", "id", "Product ID", "Item number", "Handle"),
        "title": ("Title", "name", "Product name", "Item"),
        "description": ("Description", "Body (HTML)", "Details", "Long description"),
        "category": ("Category", "Type", "Product type", "Department"),
        "brand": ("Brand", "Vendor", "Manufacturer"),
        "price": ("Price", "price", "Unit price", "Retail price", "Variant Price"),
    },
    "de": {
        "id": ("Artikelnummer", "Art.-Nr.", "ID"),
        "title": ("Artikelbezeichnung", "Titel", "Produktname", "Bezeichnung"),
        "description": ("Beschreibung", "Langtext"),
        "category": ("Kategorie", "Warengruppe"),
        "brand": ("Marke", "Hersteller"),
        "price": ("Preis", "Verkaufspreis", "VK-Preis", "Bruttopreis"),
    },
    "fr": {
        "id": ("Référence", "Code article"),
        "title": ("Nom du produit", "Désignation", "Titre"),
        "description": ("Descriptif", "Description longue"),
        "category": ("Catégorie", "Rayon"),
        "brand": ("Marque", "Fabricant"),
        "price": ("Prix", "Prix TTC"),
    },
    "es": {
        "id": ("Código", "Referencia"),
        "title": ("Nombre", "Producto"),
        "description": ("Descripción",),
        "category": ("Categoría", "Familia"),
        "brand": ("Marca",),
        "price": ("Precio", "PVP"),
    },
    "it": {
        "id": ("Codice",),
        "title": ("Nome prodotto", "Articolo"),
        "description": ("Descrizione",),
        "category": ("Categoria", "Reparto"),
        "brand": ("Marca", "Produttore"),
        "price": ("Prezzo",),
    },
    "pl": {
        "id": ("Symbol", "Indeks"),
        "title": ("Nazwa", "Nazwa produktu"),
        "description": ("Opis",),
        "category": ("Kategoria",),
        "brand": ("Marka", "Producent"),
        "price": ("Cena", "Cena brutto"),
    },
    "nl": {
        "id": ("Artikelcode",),
        "title": ("Naam", "Productnaam"),
        "description": ("Omschrijving",),
        "category": ("Productgroep",),
        "brand": ("Merk",),
        "price": ("Prijs",),
    },
    "ru": {
        "id": ("Артикул",),
        "title": ("Название", "Наименование"),
        "description": ("Описание",),
        "category": ("Категория",),
        "brand": ("Бренд",),
        "price": ("Цена",),
    },
    "ja": {
        "id": ("商品コード",),
        "title": ("商品名",),
        "description": ("商品説明",),
        "category": ("カテゴリ",),
        "brand": ("ブランド",),
        "price": ("価格",),
    },
}
"""Language -> field -> what shops call its column."""

WORDS = {
    "latin": (
        ("Desk", "Blue", "Café", "Wool", "Große", "Crème", "Oak", "Señor", "Tiny", "Nordic", "Weiße", "Brûlée"),
        ("lamp", "mug", "rug", "chair", "Tasse", "fauteuil", "clock", "jarrón", "shelf", "mirror", "bouilloire"),
        ("with a warm shade", "für jeden Tag", "à deux anses", "made by hand", "of solid wood", "que no pesa"),
    ),
    "polish": (
        ("Mała", "Żółty", "Duży", "Świetna", "Łososiowy", "Biała"),
        ("lampa", "kubek", "dywan", "krzesło", "półka", "świecznik"),
        ("do każdego pokoju", "z litego dębu", "ręcznie robiony", "na co dzień"),
    ),
    "russian": (
        ("Синяя", "Малый", "Тёплый", "Белая", "Старый"),
        ("лампа", "кружка", "ковёр", "стул", "полка", "часы"),
        ("для каждого дня", "ручной работы", "из дуба", "с подсветкой"),
    ),
    "japanese": (
        ("青い", "小さな", "木の", "白い"),
        ("ランプ", "マグカップ", "椅子", "時計", "棚"),
        ("毎日使えます", "手作りの一品", "静かな部屋に"),
    ),
}
_SCRIPT = {"pl": "polish", "ru": "russian", "ja": "japanese"}
_BRANDS = ("Acme", "Nordlicht", "Globex", "O'Hara", "Smith & Sons", "Umbra", "Kettler", "Bo-Lin")
_CATEGORIES = ("Lighting", "Kitchen > Mugs", "Home/Rugs", "Furniture", "Garden & Patio", "Office")


@dataclass
class Product:
    """One product as it is; `price` is in `currency`, None = it has none."""

    id: str
    title: str
    description: str
    category: str
    brand: str
    price: float | None
    currency: str
    prices: tuple[float, ...] = field(default=())  # numbers that are right as well: the lower end of a range


def draw(count: int, language: str, currency: str, places: int, rng: Random) -> list[Product]:
    """Products with different ids, and titles that mostly differ; prices of about 4 to 4,000."""
    firsts, nouns, ends = WORDS[_SCRIPT.get(language, "latin")]
    form = rng.choice(("A{}", "{}", "SKU-{}", "00{}"))
    level = rng.choice((2.5, 3.6, 6.5))
    drawn = []
    for i in range(count):
        title = f"{rng.choice(firsts)} {rng.choice(nouns)} {rng.choice('ABCDEFGH')}{rng.randint(1, 99)}"
        sentences = [f"{rng.choice(nouns)} {rng.choice(ends)}" for _ in range(rng.randint(1, 6))]
        price = max(round(math.exp(rng.gauss(level, 0.9)), places), 1.0 if places < 2 else 0.05)
        drawn.append(
            Product(
                form.format(1001 + 7 * i),
                title,
                "; ".join(sentences) if rng.random() < 0.9 else "",
                rng.choice(_CATEGORIES),
                rng.choice(_BRANDS),
                price,
                currency,
            )
        )
    return drawn
