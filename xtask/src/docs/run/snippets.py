"""Runs the Python blocks of a page one after another, in one namespace: snippets.py run|check PAGE LINE:FILE...

A traceback names the page and its line, because as many empty lines stand before each block. `check` only compiles them.
"""

import sys

what, page, *blocks = sys.argv[1:]
names = {"__name__": "__main__"}
for block in blocks:
    line, path = block.split(":", 1)
    with open(path, encoding="utf-8") as file:
        code = compile("\n" * (int(line) - 1) + file.read(), page, "exec")
    if what == "run":
        exec(code, names)
