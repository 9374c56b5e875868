"""The invented brands and conditions that the shop knows, and what every description says now and then."""

from worker.demo.goods import kinds

KINDS = kinds()

TIERS = {"budget": 0.6, "middle": 1.0, "premium": 1.55, "luxury": 2.3}

_AT_HOME = ("Kitchen", "Lighting", "Bedding", "Bathroom")
_AT_WORK = ("Power Tools", "Office", "Audio", "Computer Accessories")
_OUTSIDE = ("Garden", "Camping", "Fitness", "Luggage", "Pet Supplies")

BRANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    # name: (tier, where it sells)
    **dict.fromkeys(("Brembla", "Quickora", "Nimmet", "Hauslo"), ("budget", _AT_HOME)),
    **dict.fromkeys(("Ostrelle", "Fennvik", "Lumora Dal", "Castemir"), ("middle", _AT_HOME)),
    **dict.fromkeys(("Veltrano", "Aldersund", "Mirabon"), ("premium", _AT_HOME)),
    **dict.fromkeys(("Maison Oriveau", "Kessendorf"), ("luxury", _AT_HOME)),
    **dict.fromkeys(("Zapdo", "Tekkino", "Boltrix Eco", "Plenova"), ("budget", _AT_WORK)),
    **dict.fromkeys(("Gravenholt", "Sintaro", "Ridgemark Nine", "Ovendal"), ("middle", _AT_WORK)),
    **dict.fromkeys(("Korvik Pro", "Halbrandt", "Noctavia"), ("premium", _AT_WORK)),
    **dict.fromkeys(("Eisenthaler", "Sonorique"), ("luxury", _AT_WORK)),
    **dict.fromkeys(("Trekkly", "Wanderpup", "Sprintz", "Outvale"), ("budget", _OUTSIDE)),
    **dict.fromkeys(("Fjellmoor", "Tarnbeck", "Cloverhide", "Rovanto"), ("middle", _OUTSIDE)),
    **dict.fromkeys(("Skarnfell", "Altiverra", "Greyhollow"), ("premium", _OUTSIDE)),
    **dict.fromkeys(("Montclavier", "Ursaline"), ("luxury", _OUTSIDE)),
    "Dailio": ("budget", (*_AT_HOME, *_OUTSIDE)),
    "Baseline Goods": ("budget", (*_AT_HOME, *_AT_WORK, *_OUTSIDE)),
    "Harrowby & Finch": ("middle", (*_AT_HOME, "Office", "Luggage")),
    "Norrsken Supply": ("middle", (*_OUTSIDE, "Power Tools")),
    "Tidewell": ("premium", ("Bathroom", "Garden", "Camping")),
    "Atelier Brune": ("luxury", ("Luggage", "Office", "Lighting")),
}

CONDITIONS: dict[str, tuple[float, float, tuple[str, ...]]] = {
    # name: (share of the products, factor, ways to say it; what stands before a comma or colon can go into a title)
    "new": (0.86, 1.0, ("Brand new in its sealed box.", "New, with the receipt.", "Unused and in original packing.")),
    "renewed": (
        0.08,
        0.72,
        (
            "Renewed: opened, checked and cleaned by our workshop.",
            "Refurbished, works like on the first day, box may differ.",
            "Renewed, with worn parts replaced by a technician.",
        ),
    ),
    "used": (
        0.06,
        0.5,
        (
            "Used, with light scratches that do not matter for its work.",
            "Pre-owned: shows signs of use, fully working.",
            "Second-hand, from a household without pets or smoke.",
        ),
    ),
}

MANNERS: dict[str, tuple[str, ...]] = {
    "budget": (
        "Simple, light on the purse and good enough for most days.",
        "No frills: it does what it should.",
        "Great value for students and first flats.",
    ),
    "middle": (
        "Solid quality at a fair price.",
        "A dependable choice that many of our customers buy again.",
        "Well made, with spare parts on stock for five years.",
    ),
    "premium": (
        "Carefully finished, down to the last seam and screw.",
        "Engineered for people who use it every single day.",
        "Premium parts throughout and a ten-year promise.",
    ),
    "luxury": (
        "Made in small batches by people who know their trade.",
        "A treat that arrives in a linen-lined gift case.",
        "Made without compromise by a small house of masters.",
    ),
}

HOUSE = (
    "Free delivery above $35 within the usual area.",
    "Ships within 24 hours from our warehouse.",
    "Please measure your space before ordering.",
    "Returns are accepted for 30 days.",
    "Photos may look a little brighter than the real thing.",
    "Item number and barcode are on the label.",
    "More than 300 reviews can't be wrong.",
    "Packed in recycled cardboard without any plastic.",
    "Questions? Our team of 12 answers on weekdays from 9 to 5.",
    "Instructions in six languages are in the box.",
    "Comes with a warranty of 2 years.",
    "Also a nice present.",
    "Batteries, bulbs and decoration in the pictures are not part of the offer.",
)
"""Sentences that say nothing about the price, some with numbers that mislead who counts numbers."""
