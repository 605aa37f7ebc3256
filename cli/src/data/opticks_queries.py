"""Makes the text of the character models: the queries at the end of Newton's Opticks, without the marks of the transcription.

    python3 cli/src/data/opticks_queries.py /usr/local/go/src/testdata/Isaac.Newton-Opticks.txt cli/src/main/resources/io/backpack4j/cli/opticks
"""

import pathlib
import re
import sys

source, folder = map(pathlib.Path, sys.argv[1:])
text = source.read_text("utf-8").replace("\r\n", "\n")
text = text[text.index("_Query_ 1.") :]
text = re.sub(r"\[[^\]]*\]", "", text).replace("_", "").replace("\u00b4", "'")
text = re.sub(r" +\n", "\n", text)
text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
(folder / "queries.txt").write_text(text, "utf-8", newline="\n")
print(len(text), "characters,", len(set(text)), "different ones")
