"""Limits of what may be honest product data, and of what is held in memory at once."""

BLOCK_BYTES = 4 << 20
"""Bytes read at a time; reading then takes about 100 MB at its peak, however large the file is."""

MAX_CELL = 100_000
"""Characters in a cell. The longest real product text seen has 20,000."""

MAX_MULTILINE = 256 << 10
"""Bytes in a record that spans lines. It bounds what one forgotten quote can swallow and cost."""

MAX_LINE = 8 << 20
"""Bytes in a line; what is longer is rejected without being held."""

MAX_RAW = 20_000
"""Characters of a rejected line that are kept; the rest is in the original file, which is kept too."""

MAX_COLUMNS = 2_000

MAX_PRICE = 1e9
"""The highest price, in any currency: a billion. Above it there is a wrong column, not a product."""

MAX_INFLATE_RATIO = 200
"""Unpacked bytes per packed byte. Real tables reach 10 to 50; deflate can be made to reach 1,000."""

INFLATE_GRACE = 64 << 20
"""Unpacked bytes that are always allowed, whatever the ratio."""

MAX_WORKBOOK = 1 << 30
"""Unpacked bytes of a workbook: it has to be held in memory, other kinds have not."""

MAX_GRID = 30_000_000
"""Cells of a sheet, empty ones included: each takes some 50 bytes. The longest sheet of 28 columns fits."""

SMALL_GRID = 1_000_000
"""Cells of a sheet that are built without asking how many of them are empty."""

MAX_GRID_PER_CELL = 8
"""Cells of a larger sheet per cell that holds something: a stray one far below a table makes it mostly empty."""

MAX_TEXTS = 2 << 30
"""Bytes of the texts of a workbook once every cell has its own copy; a text is stored once, however many have it."""

SAMPLE_BYTES = 1 << 20
"""How much of the beginning of the text is looked at to find the dialect and the columns."""

SAMPLE_ROWS = 2_000

PREVIEW_ROWS = 20
