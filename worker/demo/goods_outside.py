"""What does the shop sell for garden, journeys, sport and animals?"""

from worker.demo.product import Amount, Choice, Kind

_SERIES = (
    "Ridge",
    "Meadow",
    "Fjord",
    "Summit",
    "Heath",
    "Brook",
    "Larch",
    "Canyon",
    "Tundra",
    "Willow",
    "Crag",
    "Basin",
)
_COLOURS = ("pine green", "rust", "charcoal", "ocean blue", "mustard yellow")

_SHELL = Choice(
    {"polyester": 0.7, "polycarbonate": 1.0, "aluminium": 1.9, "full-grain leather": 2.4},
    ("{v}", "{v} shell"),
    ("The outside is {v}.", "Made of {v}.", "Material: {v}."),
)

OUTSIDE: tuple[Kind, ...] = (
    Kind(
        "Garden",
        ("lawn mower", "cordless mower"),
        230,
        (
            Amount(
                (32, 38, 43, 51), 38, 0.9, ("{v} cm", "{v}cm deck"), ("It cuts {v} cm wide.", "Cutting width: {v} cm.")
            ),
            Amount((2.5, 4, 5, 8), 4, 0.5, ("{v} Ah", "{v}Ah"), ("The battery has {v} Ah.", "Battery: {v} Ah.")),
            Choice({"push": 0.9, "self-propelled": 1.35}, ("{v}",), ("Drive: {v}.", "It is a {v} model.")),
        ),
        ("small lawns", "slopes", "neighbours who sleep late"),
        ("The handle folds for storage.", "Six cutting heights.", "The bag empties without dust."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Garden",
        ("garden hose", "water hose"),
        33,
        (
            Amount((10, 15, 25, 50), 25, 0.7, ("{v} m", "{v} metres"), ("It is {v} m long.", "Length: {v} m.")),
            Choice({"PVC": 0.8, "rubber": 1.3, "stainless steel": 1.7}, ("{v}",), ("Made of {v}.", "Material: {v}.")),
            Choice({"no reel": 0.85, "wall reel": 1.5}, ("{v}",), ("Storage: {v}.", "Supplied with {v}.")),
        ),
        ("raised beds", "washing the car", "hot summers"),
        ("It does not kink.", "Fits all common taps.", "Frost-proof to minus 10."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Garden",
        ("plant pots", "flower pots", "planters"),
        24,
        (
            Amount((12, 20, 30, 45), 20, 0.9, ("{v} cm", "Ø {v} cm"), ("Each is {v} cm wide.", "Diameter: {v} cm.")),
            Choice(
                {"recycled plastic": 0.6, "terracotta": 1.0, "glazed ceramic": 1.5, "corten steel": 2.2},
                ("{v}",),
                ("Made of {v}.", "Material: {v}."),
            ),
            Amount((1, 2, 3, 6), 2, 0.75, ("set of {v}", "{v} pcs"), ("Sold as a set of {v}.", "Pieces: {v}.")),
        ),
        ("herbs on the sill", "terraces", "olive trees"),
        ("With a hole and a saucer.", "It stays out in winter.", "Felt pads protect the floor."),
        _SERIES,
        ("clay red", "white", "anthracite", "sage"),
    ),
    Kind(
        "Camping",
        ("tent", "camping tent", "trekking tent"),
        165,
        (
            Amount(
                (1, 2, 3, 4, 6),
                3,
                0.65,
                ("{v}-person", "{v} persons"),
                ("It sleeps {v}.", "Room for {v} people.", "Persons: {v}."),
            ),
            Amount(
                (2000, 3000, 5000),
                3000,
                0.35,
                ("{v} mm",),
                ("The fly holds a water column of {v} mm.", "Waterproof to {v} mm."),
            ),
            Choice(
                {"fibreglass poles": 0.8, "aluminium poles": 1.2, "carbon poles": 1.9},
                ("{v}",),
                ("It stands on {v}.", "Frame: {v}."),
            ),
        ),
        ("festivals", "alpine nights", "families on tour"),
        ("Two doors, two porches.", "Colour-coded poles.", "Pegs and repair kit are in the sack."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Camping",
        ("sleeping bag", "down sleeping bag"),
        98,
        (
            Choice(
                {"synthetic filling": 0.7, "duck down": 1.3, "goose down": 1.9},
                ("{v}",),
                ("Warmth comes from {v}.", "Insulation: {v}."),
            ),
            Choice(
                {"comfort 10 °C": 0.75, "comfort 0 °C": 1.0, "comfort -10 °C": 1.45},
                ("{v}",),
                ("Rated {v}.", "Temperature: {v}."),
            ),
        ),
        ("cold huts", "summer tours", "bivouacs"),
        ("The hood closes with one hand.", "Packs down to a loaf of bread.", "The zip does not catch."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Camping",
        ("insulated bottle", "vacuum flask", "thermos bottle"),
        24,
        (
            Amount(
                (0.35, 0.5, 0.75, 1.0, 1.5), 0.75, 0.5, ("{v} L", "{m} ml"), ("It holds {v} litres.", "Volume: {m} ml.")
            ),
            Choice(
                {"plastic": 0.6, "stainless steel": 1.0, "titanium": 2.6}, ("{v}",), ("Made of {v}.", "Material: {v}.")
            ),
        ),
        ("long hikes", "the commute", "hot soup outdoors"),
        ("Tea stays hot for 12 hours.", "The lid is a cup.", "It fits the holder of a bike."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Fitness",
        ("dumbbells", "hand weights", "dumbbell set"),
        62,
        (
            Amount((2, 5, 10, 20, 32), 10, 0.75, ("{v} kg", "{v}kg"), ("Each weighs {v} kg.", "Weight: {v} kg.")),
            Choice(
                {"vinyl": 0.75, "cast iron": 1.0, "rubber hex": 1.15, "chrome": 1.4},
                ("{v}",),
                ("Made of {v}.", "Surface: {v}."),
            ),
            Choice({"fixed": 1.0, "adjustable": 1.7}, ("{v}",), ("Type: {v}.", "They are {v}.")),
        ),
        ("living-room gyms", "beginners", "strong arms"),
        ("The grip stays dry.", "They do not roll away.", "A poster shows 20 exercises."),
        _SERIES,
        ("black", "grey", "red"),
    ),
    Kind(
        "Fitness",
        ("yoga mat", "exercise mat"),
        35,
        (
            Amount((3, 5, 8, 15), 5, 0.35, ("{v} mm", "{v}mm"), ("It is {v} mm thick.", "Thickness: {v} mm.")),
            Choice(
                {"foam": 0.55, "TPE": 0.9, "natural rubber": 1.6, "cork": 1.8},
                ("{v}",),
                ("Made of {v}.", "Material: {v}."),
            ),
        ),
        ("hot yoga", "stretching after runs", "hard floors"),
        ("It does not slip when wet.", "Rolls up with a strap.", "Free of strong smells."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Fitness",
        ("rowing machine", "rower"),
        260,
        (
            Choice(
                {"magnetic resistance": 1.0, "air resistance": 1.3, "water resistance": 1.5},
                ("{v}",),
                ("It works with {v}.", "Brake: {v}."),
            ),
            Amount((100, 120, 150), 120, 0.6, ("{v} kg", "up to {v} kg"), ("It carries {v} kg.", "Limit: {v} kg.")),
            Choice({"no display": 0.85, "LCD": 1.0, "touch screen": 1.3}, ("{v}",), ("Console: {v}.", "Readout: {v}.")),
        ),
        ("full-body training", "flats with thin walls", "winter months"),
        ("It folds upright.", "The seat glides on a rail.", "The belt runs without noise."),
        _SERIES,
        ("black", "ash", "silver"),
    ),
    Kind(
        "Luggage",
        ("suitcase", "trolley case", "hard-shell case"),
        118,
        (
            Amount((33, 45, 68, 95), 68, 0.5, ("{v} L", "{v} litres"), ("It takes {v} litres.", "Volume: {v} L.")),
            _SHELL,
            Choice({"2 wheels": 0.85, "4 double wheels": 1.1}, ("{v}",), ("It rolls on {v}.", "Wheels: {v}.")),
        ),
        ("city trips", "cabin rules", "three weeks away"),
        ("The lock opens for customs.", "A net divides both halves.", "The handle has three heights."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Luggage",
        ("backpack", "daypack", "rucksack"),
        66,
        (
            Amount((15, 22, 30, 45), 22, 0.5, ("{v} L", "{v}L"), ("It holds {v} litres.", "Volume: {v} L.")),
            Choice(
                {"polyester": 0.75, "recycled nylon": 1.0, "waxed canvas": 1.4, "full-grain leather": 2.3},
                ("{v}",),
                ("Made of {v}.", "Outer fabric: {v}."),
            ),
            Choice({"no laptop sleeve": 0.9, "laptop sleeve": 1.1}, ("{v}",), ("Inside: {v}.", "Note: {v}.")),
        ),
        ("campus days", "weekend hikes", "cycling to work"),
        ("The straps are padded.", "A pocket hides the passport.", "Rain runs off."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Pet Supplies",
        ("dog bed", "pet bed"),
        52,
        (
            Amount((60, 80, 100, 120), 80, 1.1, ("{v} cm", "{v}cm"), ("It is {v} cm long.", "Length: {v} cm.")),
            Choice({"polyester filling": 0.75, "orthopaedic foam": 1.4}, ("{v}",), ("Inside: {v}.", "It has {v}.")),
        ),
        ("old dogs", "puppies", "cats that think they are dogs"),
        ("The cover is washable.", "A rim to lean on.", "The bottom does not slip."),
        _SERIES,
        _COLOURS,
    ),
    Kind(
        "Pet Supplies",
        ("bag of dry food", "bag of kibble", "bag of complete feed"),
        27,
        (
            Amount((1, 2.5, 5, 12), 5, 0.8, ("{v} kg", "{v}kg bag"), ("The bag holds {v} kg.", "Net weight: {v} kg.")),
            Choice(
                {"chicken": 0.9, "lamb": 1.1, "salmon": 1.2, "venison": 1.5},
                ("{v}", "with {v}"),
                ("The first ingredient is {v}.", "Taste: {v}."),
            ),
            Choice({"with grain": 0.9, "grain-free": 1.15}, ("{v}",), ("Recipe: {v}.", "It is mixed {v}.")),
        ),
        ("picky eaters", "active dogs", "sensitive stomachs"),
        ("No sugar, no colourings.", "The bag closes again.", "Feeding guide on the back."),
        _SERIES,
        ("blue", "green", "red"),
        used=False,
    ),
    Kind(
        "Pet Supplies",
        ("cat tree", "scratching post"),
        78,
        (
            Amount((60, 110, 150, 180), 110, 0.8, ("{v} cm", "{v}cm"), ("It stands {v} cm tall.", "Height: {v} cm.")),
            Choice({"chipboard": 0.8, "solid wood": 1.6}, ("{v}",), ("The frame is {v}.", "Built from {v}.")),
            Choice({"1 cave": 0.9, "2 caves": 1.1}, ("{v}",), ("It has {v}.", "For hiding: {v}.")),
        ),
        ("two cats", "indoor climbers", "saving the sofa"),
        ("Sisal can be replaced.", "It screws to the wall.", "Cushions come off."),
        _SERIES,
        ("beige", "grey", "brown"),
    ),
)
