"""Makes the two fonts beside this file out of Noto Sans CJK.

apt-get install fonts-noto-cjk unicode-data && pip install fonttools==4.68.0
python3 subset.py
"""

import bz2
import re
import subprocess

SOURCE = "/usr/share/fonts/opentype/noto/NotoSansCJK-{}.ttc"
# The third face of the collection is simplified Chinese.
FACE = 2
UNIHAN = "/usr/share/unicode/Unihan_OtherMappings.txt.bz2"


def characters():
    """通用规范汉字表 (Unihan's kTGH), GB 2312, Latin, punctuation and a few signs."""
    found = set()
    for line in bz2.open(UNIHAN, "rt", encoding="utf-8"):
        if named := re.match(r"U\+([0-9A-F]+)\tkTGH\t", line):
            found.add(int(named[1], 16))
    assert len(found) == 8105, len(found)
    for first in range(0xA1, 0xFF):
        for second in range(0xA1, 0xFF):
            try:
                found.add(ord(bytes([first, second]).decode("gb2312")))
            except UnicodeDecodeError:
                pass
    for first, last in [(0x20, 0x7E), (0xA0, 0x17F), (0x2010, 0x203F), (0xFF01, 0xFF5E)]:
        found.update(range(first, last + 1))
    found.update(map(ord, "€№™✓✗□☐☑〇−●○"))
    return found


def main():
    unicodes = ",".join(f"{character:04X}" for character in sorted(characters()))
    for weight in ["Regular", "Bold"]:
        subprocess.run(
            ["pyftsubset", SOURCE.format(weight), f"--font-number={FACE}", f"--unicodes={unicodes}",
             "--layout-features=kern,vert", "--no-hinting", "--notdef-outline", "--name-IDs=0,1,2,3,4,5,6,13,14",
             f"--output-file=NotoSansSC-{weight}.otf"],
            check=True,
        )


main()
