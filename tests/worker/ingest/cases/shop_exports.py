"""Product exports as shop systems write them: many columns, few of which say what we know. The goods are invented."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Literal

from tests.worker.ingest.cases.base import Case, Item, workbook

Good = tuple[str, str, float]
"""id, title, price"""

GOODS: list[Good] = [
    ("BK-100", "Oak reading lamp with a linen shade", 149.9),
    ("BK-101", "Blue stoneware mug", 12.5),
    ("BK-102", "Wool rug, hand woven", 399.0),
    ("BK-103", "Walnut cutting board, large", 54.95),
    ("BK-104", "Brass candle holder", 27.0),
    ("BK-105", "Cotton tea towel, set of three", 18.75),
]
ITEMS: list[Item] = [(code, title, price) for code, title, price in GOODS]


def written(
    rows: Sequence[Sequence[str]], delimiter: str = ",", encoding: str = "utf-8", quote_all: bool = False
) -> bytes:
    text = io.StringIO(newline="")
    quoting: Literal[0, 1] = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode(encoding)


def shop(
    name: str,
    header: str,
    fields: Mapping[str, str],
    filled: Mapping[str, str],
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
    above: Sequence[Sequence[str]] = (),
    price: str = "{:.2f}",
    comma: bool = False,
    quote_all: bool = False,
    goods: Sequence[Good] = GOODS,
    as_workbook: bool = False,
) -> Case:
    """A case of this header (names between bars); `fields`: id, title, price -> their column; `filled`: other columns
    -> what stands in them, with {n} for the row's number."""
    columns = header.split("|" if "\x1f" not in header else "\x1f")
    rows: list[list[str]] = []
    for n, (code, title, amount) in enumerate(goods, 1):
        number = price.format(amount)
        cells = {column: text.format(n=n, title=title) for column, text in filled.items()}
        cells |= {fields["id"]: code, fields["title"]: title}
        cells[fields["price"]] = number.replace(".", ",") if comma else number
        rows.append([cells.get(column, "") for column in columns])
    table = [*map(list, above), columns, *rows]
    return Case(
        name,
        "export.xlsx" if as_workbook else "export.csv",
        workbook(("Export", [[cell or None for cell in row] for row in table]))
        if as_workbook
        else written(table, delimiter, encoding, quote_all),
        [(code, title, amount) for code, title, amount in goods],
        mapping=dict(fields),
        header_line=len(above) + 1,
    )


SHOPIFY = (
    "Handle|Title|Body (HTML)|Vendor|Product Category|Type|Tags|Published|Option1 Name|Option1 Value|Option2 Name|"
    "Option2 Value|Option3 Name|Option3 Value|Variant SKU|Variant Grams|Variant Inventory Tracker|"
    "Variant Inventory Qty|Variant Inventory Policy|Variant Fulfillment Service|Variant Price|Variant Compare At Price|"
    "Variant Requires Shipping|Variant Taxable|Variant Barcode|Image Src|Image Position|Image Alt Text|Gift Card|"
    "SEO Title|SEO Description|Google Shopping / Google Product Category|Google Shopping / Gender|"
    "Google Shopping / Age Group|Google Shopping / MPN|Google Shopping / Condition|Google Shopping / Custom Product|"
    "Variant Image|Variant Weight Unit|Variant Tax Code|Cost per item|Included / United States|"
    "Price / United States|Compare At Price / United States|Status"
)
WOOCOMMERCE = (
    "ID|Type|SKU|GTIN, UPC, EAN, or ISBN|Name|Published|Is featured?|Visibility in catalog|Short description|"
    "Description|Date sale price starts|Date sale price ends|Tax status|Tax class|In stock?|Stock|Low stock amount|"
    "Backorders allowed?|Sold individually?|Weight (kg)|Length (cm)|Width (cm)|Height (cm)|Allow customer reviews?|"
    "Purchase note|Sale price|Regular price|Categories|Tags|Shipping class|Images|Download limit|"
    "Download expiry days|Parent|Grouped products|Upsells|Cross-sells|External URL|Button text|Position|"
    "Attribute 1 name|Attribute 1 value(s)|Attribute 1 visible|Attribute 1 global"
)
MAGENTO = (
    "sku|store_view_code|attribute_set_code|product_type|categories|product_websites|name|description|"
    "short_description|weight|product_online|tax_class_name|visibility|price|special_price|special_price_from_date|"
    "special_price_to_date|url_key|meta_title|meta_keywords|meta_description|base_image|base_image_label|small_image|"
    "thumbnail_image|created_at|updated_at|new_from_date|new_to_date|display_product_options_in|map_price|msrp_price|"
    "gift_message_available|custom_design|page_layout|country_of_manufacture|additional_attributes|qty|"
    "out_of_stock_qty|use_config_min_qty|is_qty_decimal|allow_backorders|min_cart_qty|max_cart_qty|is_in_stock|"
    "manage_stock|website_id|related_skus|crosssell_skus|upsell_skus|additional_images|configurable_variations"
)
AMAZON = (
    "feed_product_type|item_sku|brand_name|item_name|external_product_id|external_product_id_type|manufacturer|"
    "recommended_browse_nodes|standard_price|quantity|main_image_url|other_image_url1|parent_child|parent_sku|"
    "relationship_type|variation_theme|update_delete|product_description|bullet_point1|bullet_point2|"
    "generic_keywords|color_name|size_name|material_type|item_weight|item_weight_unit_of_measure|condition_type|"
    "currency|fulfillment_latency"
)
AMAZON_LABELS = (
    "Product Type|Seller SKU|Brand Name|Product Name|Product ID|Product ID Type|Manufacturer|Recommended Browse Nodes|"
    "Standard Price|Quantity|Main Image URL|Other Image URL1|Parentage|Parent SKU|Relationship Type|Variation Theme|"
    "Update Delete|Product Description|Key Product Features1|Key Product Features2|Search Terms|Color|Size|"
    "Material Type|Item Weight|Item Weight Unit Of Measure|Condition|Currency|Handling Time"
)
EBAY = (
    "*Action(SiteID=US|Country=US|Currency=USD|Version=1193)\x1fCustomLabel\x1f*Category\x1fStoreCategory\x1f*Title\x1f"
    "Subtitle\x1fRelationship\x1fRelationshipDetails\x1f*ConditionID\x1f*C:Brand\x1f*C:Type\x1fC:Color\x1fPicURL\x1f"
    "GalleryType\x1f*Description\x1f*Format\x1f*Duration\x1f*StartPrice\x1fBuyItNowPrice\x1f*Quantity\x1f"
    "PayPalAccepted\x1fImmediatePayRequired\x1f*Location\x1fShippingType\x1fShippingService-1:Option\x1f"
    "ShippingService-1:Cost\x1f*DispatchTimeMax\x1fReturnsAcceptedOption\x1fReturnsWithinOption\x1fUseTaxTable"
)
MERCHANT = (
    "id|title|description|link|image_link|additional_image_link|availability|price|condition|gtin|mpn|"
    "google_product_category|product_type|identifier_exists|adult|age_group|gender|color|size|item_group_id|"
    "shipping(country:price)|custom_label_0|custom_label_1"
)
PRESTASHOP = (
    "Product ID|Active (0/1)|Name *|Categories (x,y,z...)|Price tax excluded|Tax rules ID|On sale (0/1)|"
    "Discount amount|Discount percent|Discount from (yyyy-mm-dd)|Discount to (yyyy-mm-dd)|Reference #|"
    "Supplier reference #|Supplier|Manufacturer|EAN13|UPC|MPN|Ecotax|Width|Height|Depth|Weight|"
    "Delivery time of in-stock products|Quantity|Minimal quantity|Low stock level|Visibility|Additional shipping cost|"
    "Unity|Unit price|Summary|Description|Tags (x,y,z...)|Meta title|URL rewritten|Available for order|"
    "Product creation date|Show price|Image URLs (x,y,z...)|Condition|ID / Name of shop"
)
SAP = (
    "MANDT|MATNR|MAKTX|SPRAS|MTART|MATKL|MEINS|BRGEW|NTGEW|GEWEI|EAN11|VKORG|VTWEG|WERKS|LABST|KSCHL|"
    "KBETR|KONWA|KPEIN|KMEIN|DATAB|DATBI|ERNAM|LVORM"
)
SHOPWARE = (
    "ordernumber|mainnumber|name|additionalText|supplier|tax|price_EK|pseudoprice_EK|baseprice_EK|active|instock|"
    "stockmin|description|description_long|shippingtime|added|changed|releasedate|shippingfree|topseller|metatitle|"
    "keywords|minpurchase|purchasesteps|purchaseunit|unitID|suppliernumber|ean|weight|width|height|length|categories|"
    "propertyGroupName|propertyValueName|imageUrl"
)
JTL = (
    "Artikelnummer|Interner Schlüssel|Artikelname|Kurzbeschreibung|Beschreibung|Hersteller|GTIN|HAN|ISBN|UPC|"
    "Std. VK Brutto|Ø EK Netto|UVP|Steuersatz in %|Lagerbestand Gesamt|Mindestbestand|Versandklasse|"
    "Artikelgewicht|Versandgewicht|Länge|Breite|Höhe|Warengruppe|Einheit|Lieferstatus|Aktiv|"
    "Identifizierungsspalte Vaterartikel|Bild 1 Pfad/URL|Erstellt am|Bearbeitet am"
)
ONE_C = (
    "Код|Артикул|Номенклатура|Полное наименование|Единица измерения|Вид номенклатуры|Ставка НДС|Страна происхождения|"
    "Вес, кг|Объём, м3|Остаток|Резерв|Цена розничная|Цена закупочная|Валюта|Штрихкод|Производитель|Дата изменения|"
    "Помечен на удаление|Картинка"
)
RAKUTEN = (
    "コントロールカラム|商品管理番号（商品URL）|商品番号|全商品ディレクトリID|タグID|PC用キャッチコピー|商品名|販売価格|表示価格|消費税|送料|"
    "個別送料|倉庫指定|商品情報レイアウト|注文ボタン|在庫数|在庫タイプ|PC用商品説明文|商品画像URL|商品画像名（ALT）|動画|販売期間指定|"
    "注文受付数|ポイント変倍率|サイズ表リンク"
)
BASELINKER = (
    "produkt_id|produkt_sku|produkt_ean|produkt_nazwa|kategoria_nazwa|producent_nazwa|cena|cena_zakupu|stawka_vat|ilosc|"
    "waga|wysokosc|szerokosc|dlugosc|opis|opis_dodatkowy_1|zdjecie|zdjecie_dodatkowe_1|magazyn|lokalizacja|"
    "data_dodania|status|czy_pakiet|parametry"
)
TRENDYOL = (
    "Barkod|Model Kodu|Marka|Kategori|Para Birimi|Ürün Adı|Ürün Açıklaması|Piyasa Satış Fiyatı (KDV Dahil)|"
    "Trendyol'da Satılacak Fiyat (KDV Dahil)|Ürün Stok Adedi|Stok Kodu|KDV Oranı|Desi|Görsel 1|Görsel 2|Görsel 3|"
    "Sevkiyat Süresi|Sevkiyat Tipi|Renk|Beden|Boyut/Ebat|Cinsiyet|Materyal"
)
ETSY = (
    "TITLE|DESCRIPTION|PRICE|CURRENCY_CODE|QUANTITY|TAGS|MATERIALS|IMAGE1|IMAGE2|IMAGE3|IMAGE4|IMAGE5|VARIATION 1 TYPE|"
    "VARIATION 1 NAME|VARIATION 1 VALUES|VARIATION 2 TYPE|VARIATION 2 NAME|VARIATION 2 VALUES|SKU"
)

_FLAGS = {"Published": "TRUE", "Gift Card": "FALSE", "Variant Taxable": "TRUE", "Status": "active"}

SHOP_EXPORTS = [
    shop(
        "Shopify",
        SHOPIFY,
        {"id": "Variant SKU", "title": "Title", "price": "Variant Price"},
        {
            **_FLAGS,
            "Handle": "good-{n}",
            "Body (HTML)": "Made by hand, {title}, and shipped in a box without plastic.",
            "Vendor": "Birk & Kahn",
            "Product Category": "Home & Garden",
            "Option1 Name": "Title",
            "Option1 Value": "Default Title",
            "Variant Grams": "{n}50",
            "Variant Inventory Qty": "{n}",
            "Variant Inventory Policy": "deny",
            "Variant Fulfillment Service": "manual",
            "Image Src": "https://cdn.example/{n}.jpg",
            "Image Position": "1",
            "Variant Weight Unit": "kg",
            "Included / United States": "TRUE",
        },
    ),
    shop(
        "WooCommerce",
        WOOCOMMERCE,
        {"id": "SKU", "title": "Name", "price": "Regular price"},
        {
            "ID": "4{n}",
            "Type": "simple",
            "Published": "1",
            "Is featured?": "0",
            "Visibility in catalog": "visible",
            "Description": "{title} for the home.",
            "Tax status": "taxable",
            "In stock?": "1",
            "Backorders allowed?": "0",
            "Sold individually?": "0",
            "Allow customer reviews?": "1",
            "Categories": "Home > Living",
            "Images": "https://shop.example/{n}.png",
            "Position": "0",
        },
    ),
    shop(
        "Magento",
        MAGENTO,
        {"id": "sku", "title": "name", "price": "price"},
        {
            "attribute_set_code": "Default",
            "product_type": "simple",
            "categories": "Default Category/Home",
            "product_websites": "base",
            "weight": "1.0000",
            "product_online": "1",
            "tax_class_name": "Taxable Goods",
            "visibility": "Catalog, Search",
            "url_key": "good-{n}",
            "created_at": "1/{n}/24, 3:14 PM",
            "updated_at": "2/{n}/24, 3:14 PM",
            "qty": "10{n}.0000",
            "out_of_stock_qty": "0.0000",
            "use_config_min_qty": "1",
            "is_qty_decimal": "0",
            "is_in_stock": "1",
            "website_id": "0",
        },
        price="{:.6f}",
    ),
    shop(
        "Amazon flat file",
        AMAZON,
        {"id": "item_sku", "title": "item_name", "price": "standard_price"},
        {
            "feed_product_type": "home",
            "brand_name": "Birk",
            "external_product_id": "40063813339{n}0",
            "external_product_id_type": "EAN",
            "manufacturer": "Birk",
            "quantity": "{n}",
            "main_image_url": "https://img.example/{n}.jpg",
            "update_delete": "Update",
            "condition_type": "New",
            "currency": "USD",
        },
        delimiter="\t",
        above=[
            ["TemplateType=fptcustom", "Version=2021.1014", "TemplateSignature=SE9NRQ==", *[""] * 26],
            AMAZON_LABELS.split("|"),
        ],
    ),
    shop(
        "eBay File Exchange",
        EBAY,
        {"id": "CustomLabel", "title": "*Title", "price": "*StartPrice"},
        {
            "*Action(SiteID=US|Country=US|Currency=USD|Version=1193)": "Add",
            "*Category": "11{n}700",
            "*ConditionID": "1000",
            "*C:Brand": "Birk",
            "PicURL": "https://pics.example/{n}.jpg",
            "*Description": "<p>{title}</p>",
            "*Format": "FixedPrice",
            "*Duration": "GTC",
            "*Quantity": "{n}",
            "*Location": "Portland, OR",
            "*DispatchTimeMax": "1",
            "ReturnsAcceptedOption": "ReturnsAccepted",
        },
        above=[
            ["#INFO", "Version=0.0.2", "Template= eBay-draft-listings-template_US", *[""] * 27],
            ["#INFO", *[""] * 29],
        ],
    ),
    shop(
        "Google Merchant",
        MERCHANT,
        {"id": "id", "title": "title", "price": "price"},
        {
            "description": "{title}, by hand.",
            "link": "https://shop.example/p/{n}",
            "image_link": "https://shop.example/p/{n}.jpg",
            "availability": "in_stock",
            "condition": "new",
            "google_product_category": "696",
            "identifier_exists": "no",
            "shipping(country:price)": "US:4.95 USD",
        },
        delimiter="\t",
        price="{:.2f} USD",
    ),
    shop(
        "PrestaShop",
        PRESTASHOP,
        {"id": "Reference #", "title": "Name *", "price": "Price tax excluded"},
        {
            "Product ID": "{n}",
            "Active (0/1)": "1",
            "Categories (x,y,z...)": "Home,Living",
            "Tax rules ID": "1",
            "On sale (0/1)": "0",
            "Supplier": "Birk",
            "Manufacturer": "Birk",
            "Ecotax": "0",
            "Quantity": "{n}00",
            "Minimal quantity": "1",
            "Visibility": "both",
            "Available for order": "1",
            "Product creation date": "2024-03-0{n}",
            "Show price": "1",
            "Condition": "new",
        },
        delimiter=";",
        price="{:.6f}",
    ),
    shop(
        "SAP",
        SAP,
        {"id": "MATNR", "title": "MAKTX", "price": "KBETR"},
        {
            "MANDT": "100",
            "SPRAS": "EN",
            "MTART": "HAWA",
            "MATKL": "0{n}01",
            "MEINS": "PC",
            "BRGEW": "1,2{n}0",
            "GEWEI": "KG",
            "EAN11": "40063813339{n}0",
            "VKORG": "1000",
            "VTWEG": "10",
            "WERKS": "0001",
            "LABST": "{n},000",
            "KSCHL": "VKP0",
            "KONWA": "EUR",
            "KPEIN": "1",
            "KMEIN": "PC",
            "DATAB": "01.0{n}.2024",
            "DATBI": "31.12.9999",
            "ERNAM": "BATCH",
        },
        delimiter="|",
        comma=True,
    ),
    shop(
        "Shopware",
        SHOPWARE,
        {"id": "ordernumber", "title": "name", "price": "price_EK"},
        {
            "mainnumber": "SW1000{n}",
            "supplier": "Birk",
            "tax": "19.00",
            "active": "1",
            "instock": "{n}5",
            "stockmin": "0",
            "added": "2024-02-0{n}",
            "changed": "2024-03-0{n} 10:00:00",
            "shippingfree": "0",
            "topseller": "0",
            "minpurchase": "1",
            "weight": "1.200",
            "categories": "3|5",
        },
        delimiter=";",
        quote_all=True,
    ),
    shop(
        "JTL, in cp1252",
        JTL,
        {"id": "Artikelnummer", "title": "Artikelname", "price": "Std. VK Brutto"},
        {
            "Interner Schlüssel": "{n}7",
            "Hersteller": "Möbel Kühn",
            "GTIN": "40063813339{n}0",
            "Steuersatz in %": "19",
            "Lagerbestand Gesamt": "{n}",
            "Mindestbestand": "0",
            "Versandklasse": "standard",
            "Einheit": "Stück",
            "Aktiv": "Y",
            "Erstellt am": "0{n}.02.2024",
        },
        delimiter=";",
        encoding="cp1252",
        comma=True,
    ),
    shop(
        "1C",
        ONE_C,
        {"id": "Артикул", "title": "Полное наименование", "price": "Цена розничная"},
        {
            "Код": "00-0000{n}",
            "Номенклатура": "Товар {n}",
            "Единица измерения": "шт",
            "Вид номенклатуры": "Товары",
            "Ставка НДС": "20%",
            "Страна происхождения": "Россия",
            "Остаток": "{n}",
            "Резерв": "0",
            "Валюта": "RUB",
            "Помечен на удаление": "Нет",
        },
        delimiter=";",
        comma=True,
    ),
    shop(
        "Rakuten",
        RAKUTEN,
        {"id": "商品番号", "title": "商品名", "price": "販売価格"},
        {
            "コントロールカラム": "u",
            "商品管理番号（商品URL）": "good-{n}",
            "全商品ディレクトリID": "20{n}178",
            "消費税": "1",
            "送料": "0",
            "倉庫指定": "0",
            "注文ボタン": "1",
            "在庫数": "{n}",
            "在庫タイプ": "1",
            "商品画像URL": "https://img.example/{n}.jpg",
        },
        price="{:.0f}",
        goods=[(code, title, float(round(price))) for code, title, price in GOODS],
    ),
    shop(
        "BaseLinker",
        BASELINKER,
        {"id": "produkt_sku", "title": "produkt_nazwa", "price": "cena"},
        {
            "produkt_id": "90{n}",
            "kategoria_nazwa": "Dom",
            "producent_nazwa": "Birk",
            "stawka_vat": "23",
            "ilosc": "{n}",
            "waga": "0.5",
            "zdjecie": "https://img.example/{n}.jpg",
            "data_dodania": "2024-01-0{n}",
            "status": "aktywny",
        },
        delimiter=";",
        quote_all=True,
    ),
    shop(
        "Trendyol, a workbook",
        TRENDYOL,
        {"id": "Stok Kodu", "title": "Ürün Adı", "price": "Trendyol'da Satılacak Fiyat (KDV Dahil)"},
        {
            "Barkod": "86900000{n}",
            "Marka": "Birk",
            "Kategori": "Ev",
            "Para Birimi": "TRY",
            "Ürün Stok Adedi": "{n}",
            "KDV Oranı": "20",
            "Desi": "1",
            "Görsel 1": "https://img.example/{n}.jpg",
        },
        comma=True,
        as_workbook=True,
    ),
    shop(
        "Etsy",
        ETSY,
        {"id": "SKU", "title": "TITLE", "price": "PRICE"},
        {
            "DESCRIPTION": "{title}.\nMade to order.",
            "CURRENCY_CODE": "USD",
            "QUANTITY": "{n}",
            "TAGS": "home,handmade",
            "IMAGE1": "https://img.example/{n}.jpg",
        },
    ),
    shop(
        "Shopify, one product only",
        SHOPIFY,
        {"id": "Variant SKU", "title": "Title", "price": "Variant Price"},
        {**_FLAGS, "Handle": "good-{n}", "Vendor": "Birk & Kahn", "Variant Grams": "150", "Image Position": "1"},
        goods=GOODS[:1],
    ),
    shop(
        "SAP, below a list head",
        SAP,
        {"id": "MATNR", "title": "MAKTX", "price": "KBETR"},
        {
            "MANDT": "100",
            "SPRAS": "EN",
            "MEINS": "PC",
            "WERKS": "0001",
            "KONWA": "EUR",
            "KPEIN": "1",
            "DATAB": "01.02.2024",
        },
        delimiter="\t",
        above=[["Materialpreise"], ["Datum", "01.02.2024"], [""]],
    ),
]
