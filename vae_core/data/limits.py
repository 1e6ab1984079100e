"""What a file may hold that somebody brings: every limit in one place; the page Data lists them."""

from typing import Final

MAX_UPLOAD_BYTES: Final = 32 * 2**20
"""Of one file, or of several together."""
MAX_ENTRIES: Final = 20_000
"""Files in a zip."""
MAX_ENTRY_BYTES: Final = 16 * 2**20
"""Of one image in a zip, unpacked."""
MAX_UNPACKED_BYTES: Final = 512 * 2**20
"""Of all that is unpacked of one file."""
MAX_WORKBOOK_BYTES: Final = 256 * 2**20
"""Of the sheets of a workbook, unpacked."""
MAX_PIXELS: Final = 16_000_000
"""Of one image, before it is made smaller."""
MAX_SIDE: Final = 64
"""Pixels of the longer side of an image that is trained on."""
MAX_ROWS: Final = 200_000
"""Examples."""
MAX_COLUMNS: Final = 4096
"""Of a table, and values of an example."""
MAX_VALUES: Final = 64_000_000
"""Examples times values of each: MNIST has 47 million."""
MAX_ARRAY_BYTES: Final = 160 * 2**20
"""Of one array in a NumPy file, unpacked."""
MAX_CLASSES: Final = 1000
LARGEST: Final = 1e100
"""A number beyond counts as missing: its square has to be a number, too."""
READ_SECONDS: Final = 60
"""For reading one file."""
READ_BYTES: Final = 2**30
"""Memory for reading one file, beside that of the program itself."""
MAX_KEPT_OF_BROWSER: Final = 256 * 2**20
"""Bytes of data sets that are kept for one browser."""
MAX_KEPT: Final = 4 * 2**30
"""Bytes of data sets that are kept on a server."""
