"""Tables as shops export them, header and content, each with the right mapping and the fields it leaves unsure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

_FORMS = ("Oak", "Steel", "Wool", "Glass", "Linen", "Brass", "Cork")
_THINGS = ("table", "kettle", "blanket", "vase", "curtain", "lamp", "board", "shelf", "mug", "clock", "chair")

CONTENT: dict[str, Callable[[int], str]] = {
    "name": lambda i: f"{_FORMS[i % 7]} {_THINGS[i % 11]} {i}",
    "ja": lambda i: f"木製テーブル大型{i}",
    "text": lambda i: (
        f"A {_FORMS[i % 7].lower()} piece for every home, made to last, easy to clean, number {i} of many."
    ),
    "short": lambda i: f"Nice {_THINGS[i % 11]} for home {i}",
    "html": lambda i: (
        f"<p>A <b>{_FORMS[i % 7].lower()}</b> piece for every home,</p><ul><li>made to last {i}</li></ul>"
    ),
    "url": lambda i: f"https://shop.example/products/{_THINGS[i % 11]}-{i}",
    "image": lambda i: f"https://cdn.example/images/{i}.jpg",
    "path": lambda i: f"/media/catalog/{i}/{_THINGS[i % 11]}.png",
    "unit": lambda i: ("PC", "SET", "PC")[i % 3],
    "country": lambda i: ("Germany", "China", "Italy", "United States")[i % 4],
    "colour": lambda i: ("red", "blue", "green", "dark grey", "white")[i % 5],
    "kind": lambda i: ("Kitchen", "Living room", "Bath")[i % 3],
    "brand": lambda i: ("Acme", "Norden", "Casa", "Fjord")[i % 4],
    "money": lambda i: f"{12 + (i * 7) % 90}.99",
    "lower": lambda i: f"{8 + (i * 7) % 60}.49",
    "higher": lambda i: f"{20 + (i * 7) % 120}.00",
    "comma": lambda i: f"{12 + (i * 7) % 90},99",
    "comma lower": lambda i: f"{8 + (i * 5) % 60},49",
    "dollars": lambda i: f"${12 + (i * 7) % 90}.99",
    "whole": lambda i: str(15 + (i * 37) % 400),
    "float": lambda i: f"{12 + ((i * 7) % 90) + 0.5 * (i % 2):.1f}",
    "some": lambda i: f"{8 + i}.49" if i % 6 == 0 else "",
    "few": lambda i: f"{_FORMS[i % 7]} note for {i}" if i % 40 == 0 else "",
    "asked": lambda i: "on request" if i % 4 else f"{i + 10}.00",
    "inch": lambda i: ("15.6", "14.0", "13.3", "17.3")[i % 4],
    "kilo": lambda i: f"{0.25 + (i % 17) * 0.15:.2f}",
    "rating": lambda i: f"{3 + (i % 20) / 10:.1f}",
    "date": lambda i: f"2024-{1 + i // 28:02}-{1 + i % 28:02}",
    "de date": lambda i: f"{1 + i % 28}.{1 + i // 28}.2024",
    "code": lambda i: f"SK-{1000 + i * 3}",
    "number": lambda i: str(i + 1),
    "ean": lambda i: str(4006381333900 + i * 7),
    "stock": lambda i: str((i * 13) % 40),
    "year": lambda i: str(2010 + i % 14),
    "flag": lambda i: ("TRUE", "FALSE")[i % 2],
    "ccy": lambda _: "EUR",
    "handle": lambda i: f"{_THINGS[i % 11]}-{i}",
    "empty": lambda _: "",
}
"""What a column holds -> the cell of the i-th row."""


@dataclass(frozen=True)
class Columns:
    """A table: its columns with what they hold, the right mapping, and the fields that it must leave unsure."""

    name: str
    columns: str  # "Header: content | Header: content"
    mapping: str  # "title = Header, price = Header"
    unsure: str = ""  # fields, whose proposal may be any; "price" also where the mapping names no price
    rows: int = 120

    @property
    def header(self) -> list[str]:
        return [part.rpartition(":")[0].strip() for part in self.columns.split("|")]

    @property
    def cells(self) -> list[list[str]]:
        kinds = [part.rpartition(":")[2].strip() for part in self.columns.split("|")]
        return [[CONTENT[kind](i) for kind in kinds] for i in range(self.rows)]

    @property
    def right(self) -> dict[str, str]:
        pairs = (pair.partition(" = ") for pair in self.mapping.split(", "))
        return {field: column for field, _, column in pairs}

    @property
    def doubtful(self) -> set[str]:
        return set(self.unsure.split())


TABLES: Sequence[Columns] = (
    # shop systems
    Columns(
        "Shopify without variants",
        "Handle: handle | Title: name | Body (HTML): html | Vendor: brand | Type: kind | Variant SKU: code | "
        "Variant Grams: stock | Variant Price: money | Variant Compare At Price: some | Image Src: image",
        "id = Handle, title = Title, description = Body (HTML), brand = Vendor, category = Type, price = Variant Price",
    ),
    Columns(
        "WooCommerce",
        "ID: number | Type: unit | SKU: code | Name: name | Published: flag | Short description: short | "
        "Description: text | Stock: stock | Sale price: some | Regular price: money | Categories: kind | Images: image",
        "id = ID, title = Name, description = Description, price = Regular price, category = Categories",
    ),
    Columns(
        "Magento",
        "sku: code | product_type: unit | categories: kind | name: name | description: text | short_description: short "
        "| weight: kilo | price: money | special_price: some | cost: lower | url_key: handle | country_of_manufacture: "
        "country",
        "id = sku, title = name, description = description, price = price, category = categories",
    ),
    Columns(
        "Google Merchant",
        "id: code | title: name | description: text | link: url | image_link: image | availability: unit | "
        "price: money | sale_price: some | brand: brand | gtin: ean | product_type: kind",
        "id = id, title = title, description = description, price = price, brand = brand, category = product_type",
    ),
    Columns(
        "Amazon flat file",
        "item_sku: code | item_name: name | external_product_id: ean | brand_name: brand | standard_price: money | "
        "list_price: higher | sale_price: some | product_description: text | main_image_url: image",
        "id = item_sku, title = item_name, description = product_description, price = standard_price, "
        "brand = brand_name",
    ),
    Columns(
        "eBay",
        "Item number: ean | Title: name | Start price: money | Available quantity: stock | Currency: ccy | "
        "Start date: date | View item URL: url",
        "id = Item number, title = Title, price = Start price, currency = Currency",
    ),
    Columns(
        "PrestaShop",
        "Product ID: number | Image: path | Name: name | Reference: code | Category: kind | Price (tax excl.): money | "
        "Price (tax incl.): higher | Quantity: stock | Status: flag",
        "id = Product ID, title = Name, category = Category, price = Price (tax excl.)",
        unsure="price",  # with tax or without: a person says it
    ),
    Columns(
        "Shopware",
        "productNumber: code | name: name | manufacturer: brand | price_net: lower | price_gross: money | ean: ean | "
        "releaseDate: date",
        "id = productNumber, title = name, brand = manufacturer, price = price_gross",
        unsure="price",  # as above
    ),
    # what the title is not
    Columns(
        "the address comes first",
        "Product URL: url | Product name: name | Price: money",
        "title = Product name, price = Price",
    ),
    Columns(
        "addresses under the name of a title", "product: url | name: name | price: money", "title = name, price = price"
    ),
    Columns(
        "the unit is called article",
        "Article: unit | Description: name | Net: money",
        "title = Article, price = Net",  # what is called a description may be one
        unsure="title price",
    ),
    Columns("the country is called item", "Item: country | Model: name | Price: money", "title = Model, price = Price"),
    Columns(
        "a nearly empty title", "Title: few | Full label: name | Price: money", "title = Full label, price = Price"
    ),
    Columns("a nearly empty title beside a text", "Title: few | Text: name | Price: money", "price = Price", "title"),
    Columns("a title that is a number", "Product: number | Price: money", "title = Product, price = Price", "title"),
    Columns("a title that is a date", "Name: date | Price: money", "title = Name, price = Price", "title"),
    Columns("only addresses", "Link: url | Price: money", "title = Link, price = Price", "title"),
    Columns("only units", "Unit: unit | Price: money", "title = Unit, price = Price", "title"),
    Columns(
        "only countries and codes", "Country: country | Price: money | No: code", "id = No, price = Price", "title"
    ),
    Columns(
        "two texts that could be it",
        "Alpha: name | Beta: short | Price: money",
        "title = Alpha, price = Price",
        "title",
    ),
    # what the id is not
    Columns("a date that all differ", "Created: date | Name: name | Price: money", "title = Name, price = Price"),
    Columns("a price that all differ", "Name: name | Price: money | Old price: higher", "title = Name, price = Price"),
    Columns("a date called number", "No: de date | Name: name | Price: money", "title = Name, price = Price"),
    Columns("money called code", "Code: money | Name: name | Price: higher", "title = Name, price = Price"),
    Columns("a measure", "Name: name | Weight: kilo | Price: money", "title = Name, price = Price"),
    Columns("a code without a name", "x1: code | Name: name | Price: money", "id = x1, title = Name, price = Price"),
    # which price
    Columns(
        "sale before regular",
        "Name: name | Sale: some | Regular: money",
        "title = Name, price = Regular",
    ),
    Columns(
        "discounted and actual",
        "name: name | discounted_price: lower | actual_price: money | rating: rating",
        "title = name, price = actual_price",
    ),
    Columns("wholesale before retail", "Name: name | Wholesale: lower | Retail: money", "title = Name, price = Retail"),
    Columns("cost before price", "Name: name | Cost: lower | Price: money", "title = Name, price = Price"),
    Columns("price per unit", "Name: name | Price per kg: lower | Price: money", "title = Name, price = Price"),
    Columns("only a cost", "Name: name | Purchase price: money", "title = Name, price = Purchase price", "price"),
    Columns("only wholesale", "Name: name | Wholesale: money", "title = Name, price = Wholesale", "price"),
    Columns(
        "the regular price is nearly empty",
        "Name: name | Price: some | Sale price: money",
        "title = Name, price = Price",
        "price",
    ),
    Columns(
        "two prices of one kind",
        "Name: name | Price A: money | Price B: higher",
        "title = Name, price = Price A",
        "price",
    ),
    Columns("mostly on request", "Name: name | Price: asked", "title = Name, price = Price"),
    Columns("whole numbers", "Name: name | Price: whole", "title = Name, price = Price"),
    Columns("numbers as programs write them", "Name: name | Price: float", "title = Name, price = Price"),
    # no price
    Columns("inches of a display", "Name: name | Display_inches: inch | RAM_GB: stock", "title = Name"),
    Columns("a rating", "Name: name | Rating: rating | Year: year", "title = Name"),
    Columns("kilos", "Name: name | Weight: kilo | Reviews: stock", "title = Name"),
    Columns("price range in words", "Name: name | Price range: unit", "title = Name"),
    Columns("numbers of an unknown kind", "Name: name | Zorb: money", "title = Name, price = Zorb", "price"),
    # languages
    Columns(
        "German",
        "Artikelnr.: code | Bezeichnung: name | Einheit: unit | EK-Preis: comma lower | VK-Preis: comma | "
        "Hersteller: brand | Warengruppe: kind | Angelegt am: de date",
        "id = Artikelnr., title = Bezeichnung, price = VK-Preis, brand = Hersteller, category = Warengruppe",
    ),
    Columns(
        "German, sale price first",
        "Name: name | Aktionspreis: some | UVP: higher | Preis: comma | Lieferzeit: unit",
        "title = Name, price = Preis",
    ),
    Columns(
        "French",
        "Référence: code | Désignation: name | Prix d'achat: comma lower | Prix de vente TTC: comma | Marque: brand | "
        "Pays d'origine: country",
        "id = Référence, title = Désignation, price = Prix de vente TTC, brand = Marque",
    ),
    Columns(
        "Spanish",
        "Código: code | Nombre: name | Precio oferta: some | Precio: comma | Unidad: unit | Categoría: kind",
        "id = Código, title = Nombre, price = Precio, category = Categoría",
    ),
    Columns(
        "Italian",
        "Codice: code | Nome: name | Prezzo scontato: some | Prezzo: comma | Marca: brand",
        "id = Codice, title = Nome, price = Prezzo, brand = Marca",
    ),
    Columns(
        "Polish",
        "Symbol: code | Nazwa: name | Cena zakupu: comma lower | Cena brutto: comma | Producent: brand",
        "id = Symbol, title = Nazwa, price = Cena brutto, brand = Producent",
    ),
    Columns(
        "Dutch",
        "Artikelcode: code | Productnaam: name | Inkoopprijs: comma lower | Verkoopprijs: comma | Eenheid: unit",
        "id = Artikelcode, title = Productnaam, price = Verkoopprijs",
    ),
    Columns(
        "Portuguese",
        "Código: code | Nome do produto: name | Preço promocional: some | Preço: comma | Descrição: text",
        "id = Código, title = Nome do produto, price = Preço, description = Descrição",
    ),
    Columns(
        "Swedish",
        "Artikelnummer: code | Benämning: name | Ord. pris: comma | Kampanjpris: some | Varumärke: brand",
        "id = Artikelnummer, title = Benämning, price = Ord. pris, brand = Varumärke",
    ),
    Columns(
        "Russian",
        "Артикул: code | Наименование: name | Закупочная цена: lower | Цена: money | Бренд: brand",
        "id = Артикул, title = Наименование, price = Цена, brand = Бренд",
    ),
    Columns("Japanese", "商品コード: code | 商品名: ja | 価格: whole", "id = 商品コード, title = 商品名, price = 価格"),
    Columns(
        "Czech",
        "Kód: code | Název: name | Popis: text | Cena: comma | Výrobce: brand",
        "id = Kód, title = Název, description = Popis, price = Cena, brand = Výrobce",
    ),
    # no header
    Columns(
        "no header, all kinds",
        "column_1: code | column_2: name | column_3: text | column_4: dollars",
        "id = column_1, title = column_2, description = column_3, price = column_4",
    ),
    Columns(
        "no header, addresses and units",
        "column_1: url | column_2: unit | column_3: name | column_4: money",
        "title = column_3, price = column_4",
    ),
    Columns(
        "no header, two columns of money",
        "column_1: name | column_2: money | column_3: higher",
        "title = column_1, price = column_2",
        "price",
    ),
    Columns("no header, measures only", "column_1: name | column_2: inch | column_3: date", "title = column_1"),
)
