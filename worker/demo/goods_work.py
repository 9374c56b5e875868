"""What does the shop sell for workshop, office and listening?"""

from worker.demo.product import Amount, Choice, Kind

_SERIES = ("Vector", "Forge", "Atlas", "Kilo", "Pike", "Raster", "Stratum", "Hexa", "Rivet", "Orbit", "Delta", "Anvil")
_COLOURS = ("anthracite", "signal orange", "deep blue", "black", "olive")

_VOLTS = Amount(
    (12, 18, 20, 36),
    18,
    0.6,
    ("{v} V", "{v}V", "{v} volt"),
    ("It runs on {v} volts.", "Battery voltage: {v} V.", "The motor turns on {v} V."),
)
_BATTERIES = Choice(
    {"without battery": 0.62, "1 battery": 1.0, "2 batteries": 1.3},
    ("{v}", "incl. {v}"),
    ("Scope of delivery: {v}.", "This offer comes {v} and charger as pictured.", "Supplied: {v}."),
)
_BRUSHLESS = Choice(
    {"brushed motor": 1.0, "brushless motor": 1.35},
    ("{v}",),
    ("Inside works a {v}.", "Drive: {v}.", "It has a {v}."),
)
_LINK = Choice(
    {"wired": 0.6, "bluetooth": 1.0, "multi-device wireless": 1.3},
    ("{v}",),
    ("Connection: {v}.", "It connects {v}.", "Link type: {v}."),
)

WORK: tuple[Kind, ...] = (
    Kind(
        "Power Tools",
        ("cordless drill", "drill driver", "drill"),
        98,
        (_VOLTS, _BATTERIES, _BRUSHLESS),
        ("flat-pack furniture", "brick and concrete", "builders on the move"),
        ("The chuck takes bits up to 13 mm.", "A lamp lights the hole.", "Two gears, 21 torque steps."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Power Tools",
        ("circular saw", "hand-held saw"),
        125,
        (
            Amount(
                (900, 1200, 1400, 1800),
                1200,
                0.5,
                ("{v} W", "{v} watt"),
                ("The motor takes {v} watts.", "Power: {v} W."),
            ),
            Amount(
                (140, 165, 190, 235),
                190,
                0.7,
                ("{v} mm", "{v}mm blade"),
                ("The blade measures {v} mm.", "Blade: {v} mm."),
            ),
            Choice({"no laser": 1.0, "laser guide": 1.15}, ("{v}",), ("Guide: {v}.", "Aiming: {v}.")),
        ),
        ("straight cuts in plywood", "decking boards", "roof timber"),
        ("Dust leaves through a hose port.", "The guard springs back.", "Angle up to 50 degrees."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Power Tools",
        ("screwdriver bit set", "bit set"),
        19,
        (
            Amount(
                (10, 25, 40, 100),
                25,
                0.45,
                ("{v} pcs", "{v}-piece"),
                ("The case holds {v} bits.", "Pieces: {v}.", "{v} bits in one case."),
            ),
            Choice(
                {"chrome vanadium": 1.0, "S2 steel": 1.3, "titanium coated": 1.6},
                ("{v}",),
                ("The bits are {v}.", "Steel: {v}."),
            ),
        ),
        ("toolboxes that miss half", "electronics repair", "garages"),
        ("Every slot is labelled.", "The lid closes with a click.", "A magnetic holder is in the case."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Office",
        ("office chair", "desk chair", "swivel chair"),
        180,
        (
            Choice(
                {"mesh": 0.9, "fabric": 0.85, "imitation leather": 1.0, "full-grain leather": 1.9},
                ("{v}",),
                ("Cover: {v}.", "Seat and back are {v}."),
            ),
            Choice({"fixed arms": 0.9, "3D arms": 1.1, "4D arms": 1.25}, ("{v}",), ("It has {v}.", "Armrests: {v}.")),
            Amount(
                (100, 120, 150), 120, 0.6, ("{v} kg", "up to {v} kg"), ("It carries up to {v} kg.", "Rated for {v} kg.")
            ),
        ),
        ("eight-hour days", "home offices", "people with bad backs"),
        ("Castors for hard floors are in the box.", "Assembly takes 20 minutes.", "The back tilts and locks."),
        _SERIES,
        ("black", "stone", "navy"),
    ),
    Kind(
        "Office",
        ("fountain pen", "writing pen"),
        48,
        (
            Choice(
                {"steel nib": 0.7, "14k gold nib": 2.1, "titanium nib": 1.6},
                ("{v}",),
                ("It writes with a {v}.", "Nib: {v}."),
            ),
            Choice(
                {"resin": 0.9, "brass": 1.15, "ebony": 1.5},
                ("{v}", "{v} barrel"),
                ("The barrel is {v}.", "Barrel: {v}."),
            ),
        ),
        ("signatures that count", "left-handers", "long letters"),
        ("A converter is included.", "The cap sits on the end.", "It starts after weeks in a drawer."),
        _SERIES,
        ("ink blue", "bordeaux", "black", "amber"),
    ),
    Kind(
        "Office",
        ("notebooks", "paper notebooks", "journals"),
        11,
        (
            Amount((80, 120, 192, 240), 120, 0.5, ("{v} pages", "{v} p."), ("Each has {v} pages.", "Pages: {v}.")),
            Amount((1, 3, 5, 10), 3, 0.8, ("{v}-pack", "set of {v}"), ("You get {v} of them.", "Pack size: {v}.")),
            Choice(
                {"soft cover": 0.85, "hard cover": 1.1, "leather cover": 2.4},
                ("{v}",),
                ("Binding: {v}.", "They come with a {v}."),
            ),
        ),
        ("meetings", "bullet lists", "travel diaries"),
        ("Ink does not bleed through.", "It lies flat when open.", "A ribbon marks the page."),
        _SERIES,
        ("kraft", "mustard", "navy", "plum"),
        used=False,
    ),
    Kind(
        "Audio",
        ("headphones", "over-ear headphones", "wireless headphones"),
        120,
        (
            _LINK,
            Choice({"no noise cancelling": 0.75, "noise cancelling": 1.3}, ("{v}",), ("Quiet: {v}.", "Feature: {v}.")),
            Amount(
                (20, 30, 45, 60),
                30,
                0.3,
                ("{v} h", "{v} hours"),
                ("The battery lasts {v} hours.", "Battery life: {v} h."),
            ),
        ),
        ("long flights", "open-plan offices", "practising at night"),
        ("The cups fold flat.", "Calls sound clear in wind.", "The pads can be replaced."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Audio",
        ("portable speaker", "wireless speaker", "box speaker"),
        82,
        (
            Amount((5, 10, 20, 40, 80), 20, 0.5, ("{v} W", "{v}W"), ("It plays with {v} watts.", "Output: {v} W.")),
            Choice({"splash-proof": 1.0, "fully waterproof": 1.2}, ("{v}",), ("It is {v}.", "Protection: {v}.")),
            Choice({"mono": 0.9, "stereo": 1.1, "360° sound": 1.3}, ("{v}",), ("Sound: {v}.", "It plays in {v}.")),
        ),
        ("the balcony", "pool days", "kitchen radio"),
        ("Two of them pair up.", "A loop hangs it on a bag.", "Charging takes three hours."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Audio",
        ("turntable", "record player"),
        190,
        (
            Choice({"belt drive": 1.0, "direct drive": 1.5}, ("{v}",), ("Motor: {v}.", "It spins by {v}.")),
            Choice(
                {"plywood": 0.7, "walnut": 1.2, "solid marble": 2.0},
                ("{v}", "{v} plinth"),
                ("The plinth is {v}.", "Base: {v}."),
            ),
            Choice({"no preamp": 0.9, "built-in preamp": 1.1}, ("{v}",), ("Amplifier: {v}.", "Good to know: {v}.")),
        ),
        ("old records", "slow evenings", "first collections"),
        ("The lid comes off.", "33 and 45 turns a minute.", "The arm lifts at the end."),
        _SERIES,
        ("walnut brown", "black", "white"),
    ),
    Kind(
        "Computer Accessories",
        ("mechanical keyboard", "keyboard"),
        74,
        (
            _LINK,
            Choice(
                {"60% layout": 0.85, "tenkeyless": 1.0, "full size": 1.1},
                ("{v}",),
                ("Layout: {v}.", "The size is {v}."),
            ),
            Choice({"plastic case": 0.8, "aluminium case": 1.5}, ("{v}",), ("It comes with {v}.", "Housing: {v}.")),
        ),
        ("writers", "programmers", "desks with little room"),
        ("Switches can be swapped.", "Each key lights up.", "Feet for two angles."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Computer Accessories",
        ("portable SSD", "external drive", "external SSD"),
        95,
        (
            Amount(
                (0.25, 0.5, 1, 2, 4),
                1,
                0.75,
                ("{v} TB", "{m} GB"),
                ("It stores {v} TB.", "Capacity: {m} GB.", "There is room for {v} terabytes."),
            ),
            Amount((500, 1050, 2000), 1050, 0.35, ("{v} MB/s",), ("It reads {v} MB per second.", "Speed: {v} MB/s.")),
        ),
        ("video editors", "backups", "game libraries"),
        (
            "It survives a fall from two metres.",
            "Both cables are in the box.",
            "Encrypted with a password if you like.",
        ),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Computer Accessories",
        ("USB cable", "charging cable"),
        10,
        (
            Amount((0.5, 1, 2, 3), 1, 0.4, ("{v} m", "{m} mm"), ("It is {v} m long.", "Length: {v} m.")),
            Amount((15, 60, 100, 240), 60, 0.35, ("{v} W", "{v}W"), ("It carries {v} watts.", "Up to {v} W.")),
            Amount((1, 2, 3, 5), 1, 0.75, ("{v}-pack", "{v} pcs"), ("Pack size: {v}.", "You get {v} in a bag.")),
        ),
        ("travel pouches", "fast charging", "desks and cars"),
        ("The plug bends 10,000 times.", "Braided jacket.", "A strap keeps it rolled."),
        _SERIES,
        _COLOURS,
    ),
)
