"""Which words do shops of several countries use as column headers?"""

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
        "price, unit price, sale price, selling price, current price, final price, actual price, retail "
        "price, list price, regular price, item price, product price, price usd, price eur, price gbp, usd, "
        "eur, amount, cost, value, msrp, rrp, preis, verkaufspreis, vk preis, einzelpreis, stuckpreis, "
        "bruttopreis, nettopreis, vk, prix, prix unitaire, prix ttc, prix de vente, prix ht, tarif, precio, "
        "precio unitario, precio de venta, pvp, importe, prezzo, prezzo unitario, prezzo di vendita, costo, "
        "cena, cena brutto, cena jednostkowa, cena netto, cena sprzedazy, preco, preco unitario, valor, "
        "prijs, verkoopprijs, stukprijs, pris, salgspris, hinta, cena s dph, ar, brutto ar, pret, pret "
        "unitar, fiyat, fiyati, цена, стоимость, ціна, 価格, 値段, 价格, 售价, 가격"
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


def score(name: str, field: str) -> float:
    """How well a header names a field: 0 = not at all, 1 = it is the first word of the list."""
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
    """Is this exactly a word that shops use as a header?"""
    header = plain(name)
    return any(header in ranks for ranks in _RANKS.values())
