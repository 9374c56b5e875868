"""Files whose columns are easily taken for others."""

from tests.worker.ingest.cases.base import Case, Item, lines, workbook

_NAMES = [f"{form} {thing}" for form in ("Oak", "Steel", "Wool") for thing in ("lamp", "table", "mug", "rug")]
_PRICES = [f"{9 + 7 * i}.99" for i in range(12)]


def _items(ids: str = "") -> list[Item]:
    return [
        (ids and f"{ids}{i}", name, float(price)) for i, (name, price) in enumerate(zip(_NAMES, _PRICES, strict=True))
    ]


def _file(header: str, form: str, end: str = "\n") -> bytes:
    """Twelve lines; {i}, {name}, {price}, {sale} (of each sixth) and {low} stand for their cells."""
    rows = [
        form.format(i=i, name=name, price=price, sale="5.49" if i % 6 == 0 else "", low=f"{4 + 5 * i}.25")
        for i, (name, price) in enumerate(zip(_NAMES, _PRICES, strict=True))
    ]
    return lines(header, *rows, end=end)


COLUMNS = [
    Case(
        "title is no address", "t.csv", _file("product,name,price", "https://x.example/p/{i},{name},{price}"), _items()
    ),
    Case("title is no unit", "t.csv", _file("Item;Unit;Name;Price", ";PC;{name};{price}"), _items(), unsure=()),
    Case(
        "title is no country",
        "t.csv",
        _file("Item country,Product name,Price", "Germany,{name},{price}"),
        _items(),
        unsure=(),
    ),
    Case("id is no date", "t.csv", _file("No,Name,Price", "2024-03-{i:02},{name},{price}"), _items(), unsure=()),
    Case("id is no price", "t.csv", _file("Code,Name,Price", "{low},{name},{price}"), _items(), unsure=()),
    Case(
        "sale price before the regular one",
        "t.csv",
        _file("Name,Sale price,Regular price", "{name},{sale},{price}"),
        _items(),
        unsure=(),
        told=["'Regular price' (regular, 100 % filled", "'Sale price' (sale, 17 % filled, median 5.49)"],
    ),
    Case(
        "sale in tabs and CRLF",
        "t.tsv",
        _file("SKU\tName\tSale\tRegular", "k{i}\t{name}\t{sale}\t{price}", "\r\n"),
        _items("k"),
    ),
    Case(
        "wholesale before retail", "t.csv", _file("Name,Wholesale,Retail", "{name},{low},{price}"), _items(), unsure=()
    ),
    Case("cost before price", "t.csv", _file("Name;Cost;Price", "{name};{low};{price}"), _items(), unsure=()),
    Case(
        "German purchase and sales price",
        "t.csv",
        _file("Bezeichnung;EK-Preis;VK-Preis", "{name};{low};{price}"),
        _items(),
        unsure=(),
    ),
    Case("only a purchase price", "t.csv", _file("Name,Purchase price", "{name},{price}"), _items(), unsure=("price",)),
    Case(
        "only a wholesale price", "t.csv", _file("Name,Wholesale price", "{name},{price}"), _items(), unsure=("price",)
    ),
    Case(
        "the sale price is the one that is filled",
        "t.csv",
        _file("Name,Price,Sale price", "{name},{sale},{price}"),
        _items(),
        mapping={"price": "Sale price"},
        unsure=("price",),
    ),
    Case(
        "inches where there is no price",
        "t.csv",
        _file("Name,Display_inches", "{name},15.{i}"),
        [("", name, None) for name in _NAMES],
        unsure=(),
        told=["No column of prices was found"],
    ),
    Case(
        "only addresses",
        "t.csv",
        lines("Link,Price", "https://x.example/a,5", "https://x.example/b,6"),
        [("", "https://x.example/a", 5.0), ("", "https://x.example/b", 6.0)],
        unsure=("title",),
    ),
    Case(
        "two columns of money without a header",
        "t.csv",
        _file("", "{name},{price},{low}")[1:],
        _items(),
        mapping={"price": "column_2"},
        header_line=None,
        unsure=("price",),
    ),
    Case(
        "sale price in a workbook",
        "t.xlsx",
        workbook(
            (
                "P",
                [
                    ["Name", "Special price", "Price"],
                    ["Oak lamp", None, 12.5],
                    ["Steel mug", 3.25, 7],
                    ["Rug", None, 99.99],
                ],
            )
        ),
        [("", "Oak lamp", 12.5), ("", "Steel mug", 7.0), ("", "Rug", 99.99)],
        unsure=(),
    ),
]

_SHOP = "Handle,Title,Body (HTML),Vendor,Variant SKU,Variant Price,Image Src,Image Position"
VARIANTS = [
    Case(
        "Shopify variants and images",
        "t.csv",
        lines(
            _SHOP,
            "shirt,Blue shirt,<p>Soft &amp; warm</p>,Acme,S-1,19.99,https://x.example/1.jpg,1",
            "shirt,,,,S-2,21.99,,",
            "shirt,,,,S-3,24.99,https://x.example/2.jpg,2",
            "shirt,,,,,,https://x.example/3.jpg,3",
            "mug,Red mug,Holds tea,Casa,M-1,7.50,,",
            "mug,,,,,,https://x.example/4.jpg,1",
        ),
        [
            ("S-1", "Blue shirt", 19.99),
            ("S-2", "Blue shirt", 21.99),
            ("S-3", "Blue shirt", 24.99),
            ("M-1", "Red mug", 7.5),
        ],
        {5: "an image of a product, no product", 7: "an image of a product, no product"},
        more={"description": ["Soft & warm"] * 3 + ["Holds tea"], "brand": ["Acme"] * 3 + ["Casa"]},
        unsure=(),
        told=["belong to a product above by 'Handle'", "holds HTML"],
        mapping={"id": "Variant SKU"},
    ),
    Case(
        "Amazon children name the sku of their parent",
        "t.tsv",
        lines(
            "item_sku\titem_name\tparent_sku\tstandard_price",
            "P1\tOak table\t\t",
            "P1-a\t\tP1\t120.00",
            "P1-b\t\tP1\t140.00",
            "P2\tWool rug\t\t99.50",
        ),
        [
            ("P1", "Oak table", None),
            ("P1-a", "Oak table", 120.0),
            ("P1-b", "Oak table", 140.0),
            ("P2", "Wool rug", 99.5),
        ],
        told=["belong to a product above by 'parent_sku'"],
    ),
    Case(
        "WooCommerce variations name the id of their parent",
        "t.csv",
        lines(
            "ID,Type,Name,Parent,Regular price",
            "10,variable,Oak table,,",
            "11,variation,,id:10,120.00",
            "12,variation,,id:10,140.00",
        ),
        [("10", "Oak table", None), ("11", "Oak table", 120.0), ("12", "Oak table", 140.0)],
    ),
    Case(
        "a variant without a parent has no title",
        "t.csv",
        lines("Handle,Title,Variant Price", "a,Oak table,5.00", "a,,6.00", "b,,7.00", ",,8.00"),
        [("a", "Oak table", 5.0), ("a", "Oak table", 6.0)],
        {4: "no title", 5: "no title"},
        mapping={"id": "Handle"},
    ),
    Case(
        "a parent below its variants is none",
        "t.csv",
        lines("Handle,Title,Variant Price", "a,,6.00", "a,Oak table,5.00", "a,,7.00"),
        [("a", "Oak table", 5.0), ("a", "Oak table", 7.0)],
        {2: "no title"},
        mapping={"id": "Handle"},
    ),
    Case(
        "no title and nobody it belongs to",
        "t.csv",
        lines("id,title,price", "a1,Oak table,5.00", "a1,,6.00"),
        [("a1", "Oak table", 5.0)],
        {3: "no title"},
    ),
]

MARKUP = [
    Case(
        "HTML in texts",
        "t.csv",
        lines(
            "id,title,description,price",
            'a1,<b>Oak</b> table,"<p>One</p><ul><li>two</li><li>three<br/>four</li></ul>",5',
            'a2,Steel <i>mug</i>,"A <span style=""color: red"">red</span>dish mug<script>x()</script>",6',
        ),
        [("a1", "Oak table", 5.0), ("a2", "Steel mug", 6.0)],
        more={"description": ["One two three four", "A reddish mug"]},
        told=["'description' holds HTML in 2 of the first 2 rows"],
    ),
    Case(
        "HTML written as entities",
        "t.csv",
        lines(
            "id,title,description,price", "a1,Oak table,&lt;p&gt;Solid &amp;amp; warm&lt;/p&gt;&lt;p&gt;oak&lt;/p&gt;,5"
        ),
        [("a1", "Oak table", 5.0)],
        more={"description": ["Solid & warm oak"]},
    ),
    Case(
        "signs that are no tags",
        "t.csv",
        lines(
            "id,title,description,price",
            "a1,TV <32 inch> 5 < 6 > 4,R <Ohm> and <b and c> screws,5",
            "a2,I <3 tea mug,x<y,6",
        ),
        [("a1", "TV <32 inch> 5 < 6 > 4", 5.0), ("a2", "I <3 tea mug", 6.0)],
        more={"description": ["R <Ohm> and <b and c> screws", "x<y"]},
    ),
    Case(
        "HTML that is never closed",
        "t.csv",
        lines(
            "id,title,description,price", "a1,Oak table,<div><p>Solid <b>oak,5", "a2,Steel mug,</p>Plain<!-- note -->,6"
        ),
        [("a1", "Oak table", 5.0), ("a2", "Steel mug", 6.0)],
        more={"description": ["Solid oak", "Plain"]},
    ),
    Case(
        "a title that is nothing but tags",
        "t.csv",
        lines("id,title,price", "a1,Oak table,5", "a2,<p></p>,6"),
        [("a1", "Oak table", 5.0)],
        {3: "no title"},
    ),
]
