from tests.fuzzing.run import parse_report

REPORT = """\
#65536\tpulse  cov: 17 ft: 20 corp: 8/191b lim: 8192 exec/s: 32768 rss: 100Mb
#70000\tDONE   cov: 19 ft: 23 corp: 9/232b lim: 8192 exec/s: 7777 rss: 115Mb
stat::number_of_executed_units: 70000
stat::average_exec_per_sec:     7777
stat::peak_rss_mb:              115
"""


def test_what_the_engine_did_is_read_from_its_report() -> None:
    outcome = parse_report(REPORT, "", failed=False)

    assert (outcome.inputs, outcome.coverage, outcome.megabytes) == (70_000, 19, 115)
    assert outcome.finding == ""


def test_a_report_of_an_engine_that_ended_early_is_a_finding() -> None:
    outcome = parse_report("ModuleNotFoundError: atheris", "", failed=True)

    assert (outcome.inputs, outcome.finding) == (0, "ModuleNotFoundError: atheris")


def test_of_a_finding_its_traceback_is_told_and_nothing_else() -> None:
    output = " === Uncaught Python exception: ===\nFindingError: it took 2 s\n"
    report = f"INFO: Instrumenting app\n{REPORT}==7== ERROR: libFuzzer: fuzz target exited\n"

    assert parse_report(report, output, failed=True).finding == "FindingError: it took 2 s"
