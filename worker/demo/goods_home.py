"""What does the shop sell for kitchen, light, bed and bath?"""

from worker.demo.product import Amount, Choice, Kind

_SERIES = (
    "Alba",
    "Nordlicht",
    "Tessera",
    "Velin",
    "Corvo",
    "Sorrel",
    "Pavane",
    "Quill",
    "Maren",
    "Ondo",
    "Halden",
    "Ilex",
)
_COLOURS = ("matte black", "cream white", "sage green", "dusty blue", "terracotta", "slate grey")

_STEEL = Choice(
    {"plastic": 0.8, "aluminium": 1.0, "stainless steel": 1.25, "copper": 1.8},
    ("{v}", "{v} body", "in {v}"),
    (
        "The body is made of {v}.",
        "Built from {v} that wipes clean.",
        "Housing: {v}.",
        "You get real {v}, not a coating.",
    ),
)
_PIECES = Amount(
    (1, 2, 4, 6),
    2,
    0.8,
    ("{v}-pack", "set of {v}", "{v} pcs", "pack of {v}"),
    ("The box holds {v} of them.", "Sold as a set of {v}.", "Pack size: {v}.", "You get {v} in one pack."),
)
_WATTS_KITCHEN = Amount(
    (450, 700, 1000, 1400, 2000),
    1000,
    0.45,
    ("{v} W", "{v}W", "{v} watt"),
    ("The motor draws {v} watts.", "Power: {v} W.", "With {v} W there is always something in reserve."),
)

HOME: tuple[Kind, ...] = (
    Kind(
        "Kitchen",
        ("electric kettle", "water kettle", "kettle"),
        42,
        (
            Amount(
                (0.8, 1.0, 1.5, 1.7, 2.0),
                1.5,
                0.5,
                ("{v} L", "{v}L", "{m} ml"),
                ("It holds {v} litres.", "Capacity: {m} ml.", "Up to {v} L are hot in minutes."),
            ),
            _STEEL,
            Choice(
                {"fixed boil": 1.0, "variable temperature": 1.45},
                ("{v}",),
                ("Control: {v}.", "The base offers {v}.", "It works with {v}."),
            ),
        ),
        ("tea for the whole family", "small kitchens", "quiet mornings"),
        ("The lid opens with one finger.", "A filter keeps scale out of the cup.", "The cord winds up under the base."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Kitchen",
        ("stand mixer", "kitchen machine", "dough mixer"),
        210,
        (
            _WATTS_KITCHEN,
            Amount(
                (3.5, 4.5, 5.5, 7.0),
                4.5,
                0.6,
                ("{v} L bowl", "{v}L"),
                ("The bowl takes {v} litres of dough.", "Bowl volume: {v} L.", "A {v}-litre bowl feeds a party."),
            ),
            Choice(
                {"3 attachments": 1.0, "5 attachments": 1.15, "9 attachments": 1.4},
                ("with {v}", "{v}"),
                ("It comes with {v}.", "In the box: {v}."),
            ),
        ),
        ("bread bakers", "weekend cakes", "stiff doughs"),
        ("The head tilts back for cleaning.", "Soft start keeps flour in the bowl.", "Rubber feet hold it in place."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Kitchen",
        ("frying pan", "skillet"),
        34,
        (
            Amount(
                (20, 24, 28, 32),
                28,
                1.0,
                ("{v} cm", "{v}cm"),
                ("Diameter: {v} cm.", "At {v} centimetres it fits most hobs.", "The rim measures {v} cm across."),
            ),
            Choice(
                {"aluminium": 0.8, "cast iron": 1.1, "stainless steel": 1.35, "copper core": 2.3},
                ("{v}",),
                ("The base is {v}.", "Material: {v}.", "Heat spreads evenly through {v}."),
            ),
            _PIECES,
        ),
        ("crisp potatoes", "searing steaks", "pancakes on Sunday"),
        ("The handle stays cool.", "Safe in the oven up to 220 degrees.", "Two pouring lips keep the hob clean."),
        _SERIES,
        ("natural", "black", "graphite"),
    ),
    Kind(
        "Kitchen",
        ("espresso machine", "coffee machine", "espresso maker"),
        240,
        (
            Amount(
                (9, 15, 19), 15, 0.5, ("{v} bar", "{v}-bar pump"), ("The pump reaches {v} bar.", "Pressure: {v} bar.")
            ),
            Choice(
                {"manual": 0.75, "semi-automatic": 1.0, "fully automatic": 1.7},
                ("{v}",),
                ("It works {v}.", "Operation: {v}.", "This is a {v} model."),
            ),
            Choice(
                {"no grinder": 1.0, "built-in grinder": 1.4},
                ("{v}",),
                (
                    "Grinding: {v}.",
                    "Note: {v}.",
                ),
            ),
        ),
        ("real crema at home", "two flat whites before work", "small offices"),
        ("The drip tray slides out.", "It warms cups on top.", "A descaling light tells when it is time."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Lighting",
        ("desk lamp", "reading lamp", "table lamp"),
        46,
        (
            Amount(
                (300, 450, 800, 1200),
                450,
                0.4,
                ("{v} lm", "{v} lumen"),
                ("It gives {v} lumens.", "Brightness: {v} lm.", "{v} lumens are plenty for fine print."),
            ),
            Choice(
                {"plastic": 0.75, "aluminium": 1.0, "oak": 1.3, "brass": 1.75},
                ("{v}", "{v} finish"),
                ("The stand is made of {v}.", "Material: {v}.", "Arm and foot are {v}."),
            ),
            Choice(
                {"on/off switch": 1.0, "touch dimmer": 1.2, "app control": 1.45},
                ("{v}",),
                ("Control: {v}.",),
            ),
        ),
        ("late readers", "home desks", "bedside tables"),
        ("The head turns in all directions.", "The cable is 180 cm long.", "No flicker, says our test bench."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Lighting",
        ("pendant light", "hanging lamp", "ceiling pendant"),
        95,
        (
            Amount(
                (18, 30, 45, 60), 30, 0.7, ("{v} cm", "Ø {v} cm"), ("The shade is {v} cm wide.", "Diameter: {v} cm.")
            ),
            Choice(
                {"paper": 0.5, "metal": 1.0, "glass": 1.3, "hand-blown glass": 2.1},
                ("{v} shade", "{v}"),
                ("The shade is {v}.", "Shade: {v}.", "Light falls softly through {v}."),
            ),
            Amount(
                (1, 3, 5), 1, 0.6, ("{v} lights", "{v} bulbs"), ("It has sockets for {v}.", "Number of bulbs: {v}.")
            ),
        ),
        ("dining tables", "high hallways", "kitchen islands"),
        ("The cord can be shortened.", "Takes common E27 bulbs.", "The canopy hides every screw."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Lighting",
        ("LED bulbs", "light bulbs"),
        13,
        (
            Amount(
                (2, 4, 6, 10),
                4,
                0.8,
                ("{v}-pack", "set of {v}", "{v} pcs"),
                ("The box holds {v} bulbs.", "Pack size: {v}.", "Sold as a set of {v}."),
            ),
            Amount(
                (470, 806, 1055, 1521),
                806,
                0.35,
                ("{v} lm", "{v} lumen"),
                ("Each gives {v} lumens.", "Brightness: {v} lm."),
            ),
            Choice(
                {"warm white": 1.0, "tunable white": 1.6, "full colour": 2.2},
                ("{v}",),
                ("Light: {v}.", "They shine {v}."),
            ),
        ),
        ("old sockets", "the whole house", "lamps that burn all evening"),
        ("They last about 15,000 hours.", "Full light at once, without warming up.", "Not for closed fittings."),
        _SERIES,
        ("clear", "frosted", "smoked"),
        used=False,
    ),
    Kind(
        "Bedding",
        ("duvet cover set", "bed linen set", "bedding set"),
        58,
        (
            Choice(
                {"microfibre": 0.55, "cotton": 1.0, "linen": 1.7, "mulberry silk": 3.0},
                ("{v}",),
                ("Woven from {v}.", "Fabric: {v}.", "The cloth is {v}."),
            ),
            Choice(
                {"single": 0.8, "double": 1.0, "king": 1.2}, ("{v}", "{v} size"), ("Size: {v}.", "Cut for a {v} bed.")
            ),
            Amount((2, 3, 5), 3, 0.4, ("{v} pieces", "{v}-piece"), ("The set has {v} pieces.", "Pieces: {v}.")),
        ),
        ("light sleepers", "warm nights", "guest rooms"),
        ("Buttons are sewn on twice.", "Wash it at 60 degrees.", "It gets softer with each wash."),
        _SERIES,
        ("oat", "indigo", "chalk", "rosewood", "moss"),
        used=False,
    ),
    Kind(
        "Bedding",
        ("pillow", "sleeping pillow", "head pillow"),
        29,
        (
            Choice(
                {"polyester": 0.6, "memory foam": 1.15, "wool": 1.3, "goose down": 2.4},
                ("{v}", "{v} filling"),
                ("Filled with {v}.", "Filling: {v}.", "Inside there is {v}."),
            ),
            _PIECES,
        ),
        ("side sleepers", "stiff necks", "hotel feeling at home"),
        ("The cover comes off for washing.", "It finds its shape again by noon.", "Tested for allergens."),
        _SERIES,
        ("white", "ivory", "silver grey"),
        used=False,
    ),
    Kind(
        "Bathroom",
        ("bath towels", "towel set", "towels"),
        26,
        (
            Amount(
                (350, 450, 600, 800),
                450,
                0.7,
                ("{v} gsm", "{v} g/m²"),
                ("The cloth weighs {v} g per square metre.", "Weight: {v} gsm."),
            ),
            _PIECES,
            Choice(
                {"cotton": 1.0, "bamboo": 1.15, "long-staple cotton": 1.5}, ("{v}",), ("Made of {v}.", "Material: {v}.")
            ),
        ),
        ("family bathrooms", "the sauna", "quick drying"),
        ("A loop for hanging is sewn in.", "The edges do not fray.", "Wash before first use."),
        _SERIES,
        ("sand", "petrol", "white", "berry"),
        used=False,
    ),
    Kind(
        "Bathroom",
        ("shower head", "hand shower"),
        37,
        (
            Amount(
                (8, 12, 20, 30), 12, 0.6, ("{v} cm", "Ø {v} cm"), ("The head is {v} cm across.", "Diameter: {v} cm.")
            ),
            Choice(
                {"plastic": 0.7, "chromed brass": 1.4, "stainless steel": 1.25},
                ("{v}",),
                ("Made of {v}.", "Material: {v}."),
            ),
            Choice(
                {"1 spray": 0.85, "3 sprays": 1.0, "6 sprays": 1.2},
                ("{v}",),
                ("It offers {v}.", "Choose between {v}.", "Settings: {v}."),
            ),
        ),
        ("low water pressure", "long showers", "flats with old pipes"),
        ("Rubber nozzles rub clean.", "Fits any half-inch hose.", "It saves about a third of the water."),
        _SERIES,
        ("chrome", "brushed nickel", "black"),
    ),
)
