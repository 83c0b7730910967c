"""The structs of the Python package are those of the C headers."""

import ctypes
import re
import unittest
from pathlib import Path

from tierpolicy import contract, library

SOURCE = Path(__file__).resolve().parents[2]


class Layout(unittest.TestCase):
    def test_sizes_and_offsets_are_those_that_the_c_compiler_asserts(self):
        text = (SOURCE / "tests/policy/layout_checks.h").read_text()
        offsets = {(struct, field): int(at) for struct, field, at in
                   re.findall(r"^AT\((\w+), (\w+), (\d+)\);", text, re.M)}
        sizes = {struct: int(size) for struct, size in
                 re.findall(r"^SIZE\((\w+), (\d+)\);", text, re.M)}
        for name, struct in contract.STRUCTS.items():
            expected = {field: at for (of, field), at in offsets.items() if of == name}
            self.assertEqual({field: getattr(struct, field).offset for field, _ in struct._fields_},
                             expected, name)
            self.assertEqual(ctypes.sizeof(struct), sizes[name], name)

    def test_constants_are_those_of_the_header(self):
        text = (SOURCE / "models/policy/tierpolicy.h").read_text()
        values = dict(re.findall(r"\bTP_(\w+) = (\d+)u?[,}\s]", text))
        values |= dict(re.findall(r"#define TP_(ABI_\w+) (\d+)u", text))
        compared = 0
        for name, value in values.items():
            if hasattr(contract, name) and isinstance(getattr(contract, name), int):
                self.assertEqual(getattr(contract, name), int(value), name)
                compared += 1
        self.assertEqual(compared, 2 + 6 + 4 + 5 + 2 + 6 + 5)
        for code, name in enumerate(contract.CODE_NAMES):
            self.assertEqual(values[name.removeprefix("TP_")], str(code))

    def test_info_is_as_long_as_the_library_says(self):
        opened = library()
        for name in opened.cache_names():
            table = opened.cache_table(name)
            self.assertEqual(table.size, ctypes.sizeof(contract.CacheTable))
            info = table.info().contents
            self.assertEqual(info.size, ctypes.sizeof(contract.Info))
            self.assertEqual(info.name.decode(), name)


if __name__ == "__main__":
    unittest.main()
