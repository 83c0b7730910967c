"""Forecasts of public measurements stay as close as reports/accuracy.md says."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TIERCAST_SHARED", SOURCE / "../shared")) / "calibration"
MAY_GROW = 0.02


def stated():
    """Median errors of all fitted cases by metric."""
    found = {}
    for line in (SOURCE / "reports/accuracy.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 9 and cells[1] == "all":
            found[cells[0].strip("`")] = float(cells[3].split()[0]) / 100
    return found


@unittest.skipUnless(DATA.is_dir(), "calibration data is absent: accuracy is not checked")
class Accuracy(unittest.TestCase):
    def test_no_error_has_grown_by_more_than_two_points(self):
        script = SOURCE / "scenarios/validation/public_cases.py"
        cases = json.loads(subprocess.run([sys.executable, script, DATA], capture_output=True,
                                          check=True).stdout)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "cases.yaml"
            file.write_text(json.dumps(dict(cases, parameters=[])))
            run = subprocess.run([os.environ["TESTED_TIERCAST"], "calibrate", "served", file,
                                  "--format", "json"], capture_output=True, check=True)
        made = {row["metric"]: row["all"] for row in json.loads(run.stdout)["errors"]
                if row["of"] == "all"}
        self.assertEqual(set(made), set(stated()))
        for metric, median in stated().items():
            self.assertLessEqual(made[metric]["median"], median + MAY_GROW, metric)


if __name__ == "__main__":
    unittest.main()
