#!/usr/bin/env python3
"""Counts of a ctest run, from its JUnit report: ctest_counts.py REPORT STATUS prints "PASSED FAILED
SKIPPED", preceded by a line for each thing that nobody would see otherwise.

A program counts once. It is skipped only when its exit status says so (SKIP_RETURN_CODE); a program
that could not be started failed. If some tests of a program were skipped while others passed, they
are added to the skipped ones; for this ctest must give its whole output
(--test-output-size-passed). STATUS is ctest's exit status: if it is not 0, at least one failure is
counted."""

import os
import re
import sys
import xml.etree.ElementTree as tree

# The lines of harness/runner.py and of cmocka.
SKIPPED = re.compile(r"^SKIPPED: (\d+) tests$|^\[  SKIPPED \] (\d+) test\(s\)", re.M)


def counts(cases, status, ci):
    """cases: the elements of the report. Returns (passed, failed, skipped, lines to show)."""
    passed = failed = skipped = 0
    lines = []
    for case in cases:
        name, how = case.get("name"), case.get("status")
        output = case.findtext("system-out") or ""
        inner = sum(int(ours or cmockas) for ours, cmockas in SKIPPED.findall(output))
        mark = case.find("skipped")
        said = mark is not None and (mark.get("message") or "").startswith("SKIP_RETURN_CODE=")
        if how == "run":
            if ci and "[  SKIPPED ] " in output:
                failed += 1
                lines.append(f"{name} skipped {inner} tests, which is a failure with CI=true")
                continue
            passed += 1
            skipped += inner
            if inner:
                lines.append(f"{name} skipped {inner} of its tests")
        elif how == "notrun" and said:
            skipped += max(inner, 1)
        else:
            failed += 1
            if how != "fail":
                why = "" if mark is None else f": {mark.get('message')}"
                lines.append(f"{name} was not run{why}")
    if status != 0 and failed == 0:
        failed = 1
        lines.append(f"ctest ended with status {status}, and no test of its report failed")
    return passed, failed, skipped, lines


def main():
    report, status = sys.argv[1], int(sys.argv[2])
    cases = tree.parse(report).getroot().iter("testcase") if os.path.exists(report) else ()
    *numbers, lines = counts(cases, status, os.environ.get("CI") == "true")
    for line in lines:
        print(line)
    print(*numbers)


if __name__ == "__main__":
    main()
