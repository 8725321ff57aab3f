"""scripts/autobahn: choosing cases, reading the suite's index, and the exit status."""

from __future__ import annotations

import json
from collections import Counter
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

from twisted.trial.unittest import SynchronousTestCase

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "autobahn"


def load() -> ModuleType:
    """Load the script, which has no ``.py`` in its name, without running it."""
    loader = SourceFileLoader("sgcws_scripts_autobahn", str(SCRIPT))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


autobahn = load()

KNOWN = ["1.1.1", "1.1.2", "1.2.1", "2.1", "2.10", "2.9", "10.1.1", "12.1.1"]


def entry(behavior: str, close: str = "OK", code: int | None = 1000) -> dict[str, object]:
    """Make one case of the suite's index."""
    return {"behavior": behavior, "behaviorClose": close, "remoteCloseCode": code, "duration": 2}


class SelectTests(SynchronousTestCase):
    """Which cases are run."""

    def test_star_stays_in_its_group(self) -> None:
        """``1.*`` means group 1 at any depth, and not groups 10 and 12."""
        self.assertEqual(autobahn.select(KNOWN, ["1.*"], []), ["1.1.1", "1.1.2", "1.2.1"])

    def test_numbers_sort_as_numbers(self) -> None:
        """Cases come in the order of their numbers, whatever the order of the patterns."""
        self.assertEqual(
            autobahn.select(KNOWN, ["10.*", "2.*", "1.1.1"], []), ["1.1.1", "2.1", "2.9", "2.10", "10.1.1"]
        )

    def test_exclusion_wins(self) -> None:
        """A case that is chosen and excluded is not run."""
        self.assertEqual(autobahn.select(KNOWN, ["1.*", "2.1"], ["1.1.*"]), ["1.2.1", "2.1"])

    def test_pattern_without_a_case_is_named(self) -> None:
        """A mistyped pattern, chosen or excluded, stops the run instead of testing less than was asked."""
        for chosen, excluded in ((["1.*", "77.*"], []), (["1.*"], ["77.*"])):
            error = self.assertRaises(autobahn.RunFailed, autobahn.select, KNOWN, chosen, excluded)
            self.assertIn("77.*", str(error))

    def test_nothing_left(self) -> None:
        """A run without a case is refused: it would pass whatever the server does."""
        self.assertRaises(autobahn.RunFailed, autobahn.select, KNOWN, ["1.*"], ["1.*"])

    def test_sample_touches_every_group(self) -> None:
        """The sample has cases of the same groups as a full run."""
        whole = {pattern.partition(".")[0] for pattern in autobahn.DEFAULT}
        self.assertEqual({pattern.partition(".")[0] for pattern in autobahn.SAMPLE}, whole)


class VerdictTests(SynchronousTestCase):
    """What one case counts as."""

    def test_table(self) -> None:
        """The worse of behavior and close decides; a bad close code and an unclean close are failures."""
        for behavior, close, wanted in (
            ("OK", "OK", "OK"),
            ("NON-STRICT", "OK", "NON-STRICT"),
            ("OK", "FAILED BY CLIENT", "NON-STRICT"),
            ("INFORMATIONAL", "INFORMATIONAL", "INFORMATIONAL"),
            ("UNIMPLEMENTED", "OK", "UNIMPLEMENTED"),
            ("FAILED", "OK", "FAILED"),
            ("OK", "FAILED", "FAILED"),
            ("OK", "WRONG CODE", "FAILED"),
            ("OK", "UNCLEAN", "FAILED"),
            ("UNIMPLEMENTED", "FAILED", "FAILED"),
            ("SPLENDID", "OK", "FAILED"),
        ):
            self.assertEqual(autobahn.verdict(behavior, close), wanted, (behavior, close))

    def test_case_that_did_not_run(self) -> None:
        """A case that was planned and is missing from the index has failed."""
        found = autobahn.outcomes({"1.1.1": entry("OK")}, ["1.1.1", "1.1.2"])
        self.assertEqual([outcome.verdict for outcome in found], ["OK", "FAILED"])


class ReportTests(SynchronousTestCase):
    """What is printed and written."""

    def setUp(self) -> None:
        index = {
            "1.1.1": entry("OK"),
            "1.1.2": entry("NON-STRICT", code=None),
            "2.1": entry("OK", "WRONG CODE", 1006),
            "12.1.1": entry("UNIMPLEMENTED"),
        }
        self.found = autobahn.outcomes(index, index)
        self.counts = Counter(outcome.verdict for outcome in self.found)

    def test_table(self) -> None:
        """Each group has a line, with its cases counted by verdict, and the last line has the totals."""
        rows = [line.split() for line in autobahn.table(autobahn.by_group(self.found))]
        self.assertEqual(rows[0], ["group", "cases", *autobahn.VERDICTS])
        self.assertEqual(
            rows[1:],
            [
                ["1", "2", "1", "1", "-", "-", "-"],
                ["2", "1", "-", "-", "-", "-", "1"],
                ["12", "1", "-", "-", "-", "1", "-"],
                ["all", "4", "1", "1", "-", "1", "1"],
            ],
        )

    def test_cases_not_ok_are_listed(self) -> None:
        """Every case that is not OK has a line with the suite's words and the close code."""
        lines = list(autobahn.not_ok(self.found))
        self.assertEqual([line.split()[0] for line in lines], ["1.1.2", "2.1", "12.1.1"])
        self.assertIn("close WRONG CODE, close code 1006", lines[1])
        self.assertTrue(lines[0].endswith("close code none"))

    def test_last_line(self) -> None:
        """What is not implemented is counted apart, and only mentioned when there is some."""
        self.assertEqual(autobahn.last_line(self.counts), "2 passed, 1 failed, 1 unimplemented")
        self.assertEqual(autobahn.last_line(Counter({"OK": 3, "INFORMATIONAL": 1})), "4 passed, 0 failed")

    def test_summary_is_json(self) -> None:
        """The summary survives JSON and holds what the documentation quotes."""
        value = json.loads(json.dumps(autobahn.summary(self.found, "25.10.1", 12.6)))
        self.assertEqual((value["suite"], value["seconds"], value["cases"]), ("25.10.1", 13, 4))
        self.assertEqual(value["verdicts"]["FAILED"], 1)
        self.assertEqual(value["groups"]["1"]["NON-STRICT"], 1)
        self.assertEqual(sorted(value["not_ok"]), ["1.1.2", "12.1.1", "2.1"])


class ExitTests(SynchronousTestCase):
    """What the exit status says."""

    def test_status_of_the_cases(self) -> None:
        """Only a failure, or a run without a case, is an error; non-strict and informational are not."""
        for counts, status in (
            ({"OK": 2, "NON-STRICT": 1, "INFORMATIONAL": 1, "UNIMPLEMENTED": 1}, 0),
            ({"OK": 2, "FAILED": 1}, 1),
            ({}, 1),
        ):
            self.assertEqual(autobahn.exit_status(Counter(counts)), status, counts)

    def test_wrong_use_is_not_a_missing_suite(self) -> None:
        """A mistyped option does not leave with 2, which continuous integration may take for a skip."""
        left = self.assertRaises(SystemExit, autobahn.parse, ["--cases", "1.*", "--sample"])
        self.assertEqual(left.code, 1)

    def test_named_python_that_does_not_run(self) -> None:
        """A PYTHON27 that is not there is named, with what to do."""
        error = self.assertRaises(autobahn.SuiteMissing, autobahn.find_python27, "/nowhere/python2.7")
        self.assertIn("PYTHON27=/nowhere/python2.7", str(error))

    def test_lock_pins_everything(self) -> None:
        """Every requirement of the suite is pinned to one version, the suite among them."""
        lines = [line for line in autobahn.LOCK.read_text().splitlines() if line and not line.startswith("#")]
        self.assertEqual([line for line in lines if line.count("==") != 1], [])
        self.assertIn(f"autobahntestsuite=={autobahn.suite_version()}", lines)
