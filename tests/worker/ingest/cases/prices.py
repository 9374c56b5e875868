"""Files whose prices are written as people write them, and some that are no prices."""

from tests.worker.ingest.cases.base import Case, priced, things

_OTHERS_BEFORE = {4: "EUR", 5: "GBP", 6: "JPY", 7: "CHF", 9: "INR"}
_OTHERS_BEHIND = {3: "PLN", 5: "SEK", 6: "CHF", 7: "CZK", 8: "CZK"}
"""Line -> currency of the prices that are in another one than most; they are never one number with them."""

PRICES = [
    Case(
        "currency before",
        "t.tsv",
        priced("$12.50", "US$ 7", "€ 9.99", "£3", "¥1200", "CHF 5.50", "USD 4", "₹ 99"),
        [("p0", "Thing 0", 12.5), ("p1", "Thing 1", 7.0), ("p6", "Thing 6", 4.0)],
        rejects={line: f"is in {code}, and the table is in USD" for line, code in _OTHERS_BEFORE.items()},
    ),
    Case(
        "currency behind",
        "t.tsv",
        priced("12,50 €", "7 zł", "9,99 EUR", "3,00 kr", "5,50 CHF", "12,5 Kč", "8,- Kč"),
        [("p0", "Thing 0", 12.5), ("p2", "Thing 2", 9.99)],
        rejects={line: f"is in {code}, and the table is in EUR" for line, code in _OTHERS_BEHIND.items()},
    ),
    Case("Brazil", "t.tsv", priced("R$ 1.234,50", "R$ 12,90", "R$ 7,00"), things(1234.5, 12.9, 7.0)),
    Case(
        "English thousands",
        "t.tsv",
        priced("1,234.50", "1,234", "12.5", "1,234,567.89"),
        things(1234.5, 1234.0, 12.5, 1234567.89),
    ),
    Case(
        "German thousands",
        "t.tsv",
        priced("1.234,50", "1.234", "12,5", "1.234.567,89"),
        things(1234.5, 1234.0, 12.5, 1234567.89),
    ),
    Case("Swiss thousands", "t.tsv", priced("1'234.50", "1’299.–", "CHF 1'000'000"), things(1234.5, 1299.0, 1e6)),
    Case(
        "thousands with spaces",
        "t.tsv",
        priced("1 234,50", "1\u00a0234,50 €", "1\u202f234 567,00"),
        things(1234.5, 1234.5, 1234567.0),
    ),
    Case(
        "Indian thousands",
        "t.tsv",
        priced("Rs. 1,23,456.00", "₹1,00,000", "Rs.500/-"),
        things(123456.0, 100000.0, 500.0),
    ),
    Case("1.234 in a column of points", "t.tsv", priced("1.234", "12.5", "7.25"), things(1.234, 12.5, 7.25)),
    Case(
        "1.234 in a column without a hint, said to be thousands",
        "t.tsv",
        priced("1.234", "2.500", "900"),
        things(1234.0, 2500.0, 900.0),
        decimal=",",
    ),
    Case(
        "three decimals without a hint, said to be decimals",
        "t.tsv",
        priced("KWD 15.202", "KWD 1.500", "900"),
        things(15.202, 1.5, 900.0),
        decimal=".",
    ),
    Case(
        "1,234 without a hint, said to be thousands",
        "t.tsv",
        priced("$1,234", "$2,500"),
        things(1234.0, 2500.0),
        decimal=".",
    ),
    Case("1,234 in a column of commas", "t.tsv", priced("1,234", "12,5", "7,25"), things(1.234, 12.5, 7.25)),
    Case("missing prices", "t.tsv", priced("5", "", "n/a", "NULL", "-", "nan", " ", "#N/A"), things(5.0, *[None] * 7)),
    Case(
        "refused prices",
        "t.tsv",
        priced(
            "5",
            "cheap",
            "10 - 20",
            "10–20 €",
            "-5",
            "(5.00)",
            "0",
            "0.00",
            "$1.2k",
            "50%",
            "99¢",
            "9999999999",
            "1,2,3",
            "from $10",
            "12⁹⁹",
            "6",
        ),
        [("p0", "Thing 0", 5.0), ("p6", "Thing 6", None), ("p7", "Thing 7", None), ("p15", "Thing 15", 6.0)],
        {
            3: "'cheap' is not a number",
            4: "range",
            5: "range",
            6: "negative",
            7: "negative",
            10: "not a number",
            11: "not a number",
            12: "not a number",
            13: "too large",
            14: "not a number",
            15: "range",
            16: "not a number",
        },
    ),
    Case(
        "scientific prices and full-width digits",
        "t.tsv",
        priced("1.5E+02", "1e3", "１２．５０"),
        things(150.0, 1000.0, 12.5),
    ),
]
