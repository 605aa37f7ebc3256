"""Writes the first 6,000 training digits of MNIST as gzip'ed IDX files.

Usage: python3 mnist_subset.py SOURCE TARGET, where SOURCE holds train-images-idx3-ubyte and train-labels-idx1-ubyte.
"""

import gzip
import hashlib
import pathlib
import struct
import sys

COUNT = 6000


def subset(source, target, magic, sizes):
    header = struct.pack(f">{2 + len(sizes)}i", magic, 60000, *sizes)
    data = source.read_bytes()
    if not data.startswith(header):
        sys.exit(f"{source} does not start with {header.hex()}.")
    elements = COUNT
    for size in sizes:
        elements *= size
    content = struct.pack(f">{2 + len(sizes)}i", magic, COUNT, *sizes) + data[len(header) : len(header) + elements]
    # No time stamp and no file name: the same input gives the same bytes.
    target.write_bytes(gzip.compress(content, compresslevel=9, mtime=0))
    print(f"{target.name}: content {hashlib.sha256(content).hexdigest()}")


source, target = (pathlib.Path(argument) for argument in sys.argv[1:])
subset(source / "train-images-idx3-ubyte", target / "images-idx3-ubyte.gz", 0x00000803, [28, 28])
subset(source / "train-labels-idx1-ubyte", target / "labels-idx1-ubyte.gz", 0x00000801, [])
