"""The words that shops of several countries use as column headers."""

import re
import unicodedata

# Best first: of two columns that fit, the one whose header stands further left here wins.
SYNONYMS: dict[str, str] = {
    "title": (
        "title, product title, item title, product name, item name, name, product, item, article name, "
        "article, listing title, model name, short description, titel, produktname, artikelname, "
        "artikelbezeichnung, produktbezeichnung, bezeichnung, produkttitel, produkt, artikel, titre, nom, nom "
        "du produit, nom produit, produit, libelle, designation, intitule, article, titulo, nombre, nombre "
        "del producto, producto, articulo, denominacion, titolo, nome, nome prodotto, nome del prodotto, "
        "prodotto, articolo, denominazione, tytul, nazwa, nazwa produktu, produkt, towar, nazwa towaru, nome "
        "do produto, produto, titulo do produto, naam, productnaam, product naam, omschrijving kort, namn, "
        "produktnamn, benamning, navn, produktnavn, varenavn, tuote, tuotenimi, nimi, nazev, nazev produktu, "
        "nazov, megnevezes, termek, termeknev, denumire, nume, nume produs, urun adi, urun, baslik, название, "
        "наименование, товар, назва, 商品名, 品名, 名称, 标题, 产品名称, 제목, 상품명"
    ),
    "price": (
        "price, regular price, normal price, standard price, base price, retail price, regular, retail, unit price, "
        "item price, product price, selling price, sales price, current price, final price, actual price, list price, "
        "original price, price usd, price eur, price gbp, usd, eur, amount, value, msrp, rrp, mrp, uvp, sale "
        "price, cost, preis, normalpreis, verkaufspreis, vk preis, einzelpreis, stuckpreis, bruttopreis, "
        "nettopreis, vk, prix, prix normal, prix regulier, prix public, prix unitaire, prix ttc, prix de vente, "
        "prix ht, tarif, precio, precio normal, precio unitario, precio de venta, pvp, importe, prezzo, prezzo "
        "unitario, prezzo di vendita, costo, cena, cena brutto, cena jednostkowa, cena netto, cena sprzedazy, "
        "preco, preco unitario, valor, prijs, verkoopprijs, stukprijs, pris, salgspris, hinta, cena s dph, ar, "
        "brutto ar, pret, pret unitar, fiyat, fiyati, цена, стоимость, ціна, 価格, 値段, 价格, 售价, 가격"
    ),
    "description": (
        "description, product description, item description, long description, full description, details, "
        "body html, body, about, about product, features, text, summary, specs, specifications, beschreibung, "
        "produktbeschreibung, artikelbeschreibung, langbeschreibung, langtext, beschreibungstext, description "
        "du produit, description produit, descriptif, description longue, descripcion, descripcion del "
        "producto, detalles, descrizione, descrizione prodotto, dettagli, opis, opis produktu, descricao, "
        "descricao do produto, detalhes, omschrijving, beschrijving, productomschrijving, beskrivning, "
        "beskrivelse, produktbeskrivelse, kuvaus, popis, popis produktu, leiras, descriere, aciklama, "
        "описание, опис, 説明, 商品説明, 描述, 产品描述, 설명"
    ),
    "category": (
        "category, product category, category name, categories, main category, sub category, subcategory, "
        "product type, type, department, product group, group, class, collection, kategorie, warengruppe, "
        "produktkategorie, produktgruppe, artikelgruppe, rubrik, produkttyp, categorie, categorie produit, "
        "rayon, famille, type de produit, categoria, tipo, familia, seccion, categoria del producto, "
        "categoria prodotto, reparto, kategoria, kategoria produktu, grupa, dzial, categoria do produto, "
        "productgroep, productcategorie, kategori, varugrupp, varegruppe, luokka, kategoriya, "
        "termekkategoria, kategoria termeku, kategori adi, категория, категорія, раздел, カテゴリ, "
        "カテゴリー, 类别, 分类, "
        "카테고리"
    ),
    "brand": (
        "brand, brand name, product brand, manufacturer, maker, vendor, make, producer, designer, label, "
        "marke, hersteller, markenname, fabrikat, marque, fabricant, nom de la marque, marca, fabricante, "
        "marchio, produttore, marka, producent, merk, fabrikant, varumarke, tillverkare, merke, marke navn, "
        "merkki, valmistaja, znacka, vyrobce, vyrobca, marka adi, gyarto, uretici, producator, бренд, марка, "
        "производитель, ブランド, メーカー, 品牌, 브랜드"
    ),
    "currency": (
        "currency, currency code, price currency, currencycode, iso currency, wahrung, wahrungscode, devise, moneda, "
        "divisa, valuta, waluta, moeda, mena, para birimi, валюта, 通貨, 货币, 통화"
    ),
    "side": (
        "side, split, data split, split name, split set, dataset split, train test split, train test, train or test, "
        "subset, partition, fold"
    ),
    "id": (
        "id, product id, item id, sku, asin, uniq id, unique id, uid, uuid, article number, item number, "
        "product number, product code, item code, code, number, no, nr, key, handle, gtin, ean, upc, mpn, "
        "ref, reference, listing id, artikelnummer, artikelnr, artikel nr, art nr, artnr, produktnummer, "
        "produkt id, bestellnummer, identifiant, ref produit, reference produit, code produit, code article, "
        "num, numero, codigo, referencia, id producto, codigo de producto, codice, codice articolo, codice "
        "prodotto, indeks, kod, kod produktu, numer, numer katalogowy, symbol, codigo do produto, "
        "artikelcode, productcode, varenummer, varenr, tuotenumero, kod produktu, cikkszam, cod produs, urun "
        "kodu, артикул, код, 商品コード, 编号, 货号"
    ),
}


_NEVER_PRICES = (
    "shipping, shipment, postage, delivery, freight, handling, fee, fees, deposit, surcharge, commission, "
    "margin, markup, profit, saving, savings, rebate, currency, quantity, qty, stock, units, sold, weight, "
    "versand, porto, lieferkosten, gebuhr, pfand, ersparnis, wahrung, menge, bestand, gewicht, frais, "
    "livraison, consigne, envio, gastos, spedizione, verzendkosten, verzending, frete, wysylka, dostawa, frakt, "
    "доставка, валюта, 送料, 运费, 배송비, versandkosten"
)
"""Money, or a number, beside the price: never the price itself, not even where there is no other."""

_PARTS_OF_PRICES = (
    "tax, taxes, vat, gst, duty, duties, customs, discount, steuer, mwst, ust, zoll, rabatt, tva, taxe, remise, "
    "iva, impuesto, descuento, imposta, sconto, btw, korting, imposto, desconto, podatek, rabat, dph, moms, "
    "налог, ндс, скидка, 税"
)
"""Alone an amount of its own; "price incl. tax" is a price all the same."""

_PRICE_WORDS = (
    "price, prices, preis, prix, precio, prezzo, cena, preco, prijs, pris, hinta, pret, fiyat, fiyati, ar, цена, "
    "ціна, стоимость, 価格, 价格, 售价, 가격"
)

PRICE_KINDS: dict[str, str] = {
    "compare-at": (
        "compare, crossed, old, was, before, previous, former, last, streichpreis, alter, ancien, barre, anterior, "
        "precedente, oude, antigo, stara, старая, 原价"
    ),
    "MSRP": "msrp, rrp, mrp, uvp, srp, unverbindliche",
    "sale": (
        "discount, discounted, reduced, sale, promo, promotion, promotional, special, offer, deal, clearance, outlet, "
        "member, club, coupon, angebotspreis, aktionspreis, sonderpreis, aktion, angebot, rabatt, reduziert, "
        "promotionnel, solde, remise, oferta, descuento, rebajado, scontato, offerta, actieprijs, aanbieding, "
        "promocional, desconto, promocyjna, kampanjpris, rea, tilbud, tarjous, akcni, akcios, indirimli, скидка, "
        "акция, 特価, セール"
    ),
    "wholesale": (
        "wholesale, trade, dealer, distributor, reseller, bulk, b2b, grosshandel, grosshandelspreis, handlerpreis, "
        "gros, mayorista, ingrosso, groothandel, atacado, hurtowa, оптовая, 批发价, 卸価格"
    ),
    "cost": (
        "cost, costs, purchase, buying, supplier, factory, ek, einkauf, einkaufspreis, selbstkosten, achat, coste, "
        "compra, acquisto, costo, inkoopprijs, inkoop, custo, zakupu, koszt, inkopspris, закупочная, себестоимость"
    ),
    "per unit": "per, grundpreis, kg, litre, liter, kilo",
    "bound": "competitor, min, max, minimum, maximum, lowest, highest, low, high, average, avg",
}
"""Kinds of price that are not what the product regularly costs a buyer, with their words: taken where nothing else is a
price. A name that has words of several is of the first kind."""

_MEASURES = (
    "rating, ratings, stars, score, rank, reviews, review, inch, inches, display, screen, diagonal, size, width, "
    "height, length, depth, diameter, capacity, volume, speed, year, pages, ram, storage, memory, gb, tb, mb, "
    "mhz, ghz, hz, watt, watts, volt, mah, battery, mm, cm, grams, gramms, grammage, gewicht, masse, weight, "
    "breite, hohe, lange, tiefe, grosse, jahr, bewertung, poids, largeur, hauteur, longueur, annee, peso, ancho, "
    "alto, ano, larghezza, altezza, gewicht, hoogte, breedte, bredd, hojd, vikt, waga, wysokosc, szerokosc, rok, "
    "вес, высота, ширина, год, latitude, longitude, temperature, age, mpg, percent, pct, ratio, position, sort, "
    "order"
)
"""What is measured or counted, and is neither money nor a name of the product."""

_NO_TITLES = (
    "url, uri, link, href, image, images, img, picture, photo, thumbnail, bild, unit, uom, einheit, unite, unidad, "
    "unita, eenheid, jednostka, country, origin, land, pays, pais, paese, kraj, currency, status, date, datum, fecha, "
    "code, number, nr, id, sku, ean, type, category, availability, condition, colour, color, language, handle, key, "
    "template, count, state"
)
"""Words of headers of what stands beside a title: "product url", "item country"."""

_PARENTS = (
    "handle, parent, parent sku, parent id, parent handle, parentsku, parentid, parent asin, parent item id, "
    "parent code, product handle, item group id, group id, variant group, variant group id, variation parent, "
    "variation parent sku, master sku, master id, model id, style id, style number, vaterartikel, hauptartikel, "
    "parent product id, configurable sku"
)


def plain(name: str) -> str:
    """Header without case, accents, units in brackets and punctuation: "Preis (€)" -> "preis"."""
    spaced = re.sub(r"(?<=[a-zäöü])(?=[A-Z])", " ", name)  # productName
    without_units = (
        re.sub(r"[(\[{][^)\]}]{0,12}[)\]}]", " ", spaced) if not re.match(r"\W*body", spaced, re.I) else spaced
    )
    folded = unicodedata.normalize(
        "NFKD", without_units.casefold().replace("ł", "l").replace("ø", "o").replace("ı", "i")
    )
    letters = "".join(c for c in folded if not unicodedata.combining(c))
    # Scripts other than Latin lose vowel marks above (й): fold the lists in the same way.
    return " ".join(re.sub(r"[\W_]+", " ", letters).split())


_RANKS: dict[str, dict[str, int]] = {
    field: {plain(word): rank for rank, word in reversed(list(enumerate(words.split(", "))))}
    for field, words in SYNONYMS.items()
}


_NEVER, _PARTS, _PRICE, _MEASURED, _BESIDE, _OF_PARENTS = (
    frozenset(map(plain, words.split(", ")))
    for words in (_NEVER_PRICES, _PARTS_OF_PRICES, _PRICE_WORDS, _MEASURES, _NO_TITLES, _PARENTS)
)
_KINDS = {kind: frozenset(map(plain, words.split(", "))) for kind, words in PRICE_KINDS.items()}


# What stands behind these says what a price holds, and is not what the column is: "Price excl. shipping".
_ASIDE = re.compile(
    r"\b(?:incl|including|inkl|inc|excl|excluding|exkl|zzgl|zuzuglich|plus|ohne|without|hors|sans|senza|sin|ex)\b.*"
)


def price_kind(name: str) -> str:
    """The kind of price that a column of money with this header may be: one of PRICE_KINDS; "regular" where its words
    say nothing against that; "none" = it is never the price."""
    words = set(_ASIDE.sub("", plain(name)).split())
    is_price = bool(words & _PRICE)
    if words & _NEVER or (words & (_PARTS | _MEASURED) and not is_price):
        return "none"
    return next((kind for kind, its in _KINDS.items() if words & its), "regular")


def is_measure(name: str) -> bool:
    """Whether a header names something that is measured or counted."""
    words = set(plain(name).split())
    return bool(words & (_MEASURED | (_NEVER - {"currency"}))) and not words & _PRICE


def is_beside_title(name: str) -> bool:
    """Whether a word of a header says that the column holds something about a product, and not what it is called."""
    return bool(set(plain(name).split()) & _BESIDE)


def names_parent(name: str) -> bool:
    """Whether a header is that of the handle or parent which the variants of a product share."""
    return plain(name) in _OF_PARENTS


def score(name: str, field: str) -> float:
    """How well a header names a field: 0 = not at all, 1 = it is the first word of the list.

    Another price than the regular one comes behind every regular one.
    """
    if field != "price":
        return _score(name, field)
    kind = price_kind(name)
    return 0.0 if kind == "none" else _score(name, field) / (1 if kind == "regular" else 10)


def _score(name: str, field: str) -> float:
    header = plain(name)
    ranks = _RANKS[field]
    if header in ranks:
        return 1 - ranks[header] / 1000
    words = header.split()
    runs = {" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)}
    hits = [ranks[run] for run in runs if run in ranks and len(run) > 2]
    # "price currency" is not the price: the longer the rest, the less the header means the word.
    return 0.5 / len(words) + 0.3 - min(hits) / 1000 if hits and len(words) <= 5 else 0.0


def is_known(name: str) -> bool:
    """Whether this is exactly a word that shops use as a header."""
    header = plain(name)
    return any(header in ranks for ranks in _RANKS.values())
