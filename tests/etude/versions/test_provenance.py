import json
import re

from etude.pipeline.files import sha256_file
from etude.versions.plots import PAGE, make_page
from etude.versions.provenance import Chains, sha256_made, split_params, write_beside_reports
from etude.versions.why import tree


def test_chain_of_a_report(small):
    chain = Chains(small).of("reports/sum.csv")
    assert set(chain["jobs"]) == {"reports/sum.csv", "data/numbers/1.txt", "data/numbers/2.txt"}
    assert chain["sources"] == {f"data/sources/{k}.yaml": sha256_file(small / f"data/sources/{k}.yaml") for k in (1, 2)}
    job = chain["jobs"]["data/numbers/1.txt"]
    assert job["rule"] == "make_number" and job["settings"] == {"times": 2}
    assert job["inputs"] == {"data/sources/1.yaml": chain["sources"]["data/sources/1.yaml"]}


def test_tree(small):
    lines = tree(Chains(small).of("reports/sum.csv"))
    assert lines[0].startswith("reports/sum.csv  sha256 ")
    assert [line for line in lines if line.endswith("(not made here)")] == [
        f"{'│   ' if k == 1 else '    '}└── data/sources/{k}.yaml  sha256 "
        f"{sha256_file(small / f'data/sources/{k}.yaml')[:16]}  (not made here)"
        for k in (1, 2)
    ]
    assert not any("make_number" in line for line in tree(Chains(small).of("reports/sum.csv"), depth=0))


def test_chain_beside_a_report_belongs_to_what_was_made(small):
    written = write_beside_reports(small)
    assert written == [
        f"reports/sum.{kind}" for kind in ("metrics.json", "plot.csv", "provenance.json", "provenance.js")
    ]
    assert write_beside_reports(small) == []
    made = sha256_file(small / "reports/sum.csv")
    assert sha256_made(small, "reports/sum.csv") == made
    (small / "reports/sum.csv").write_text("by hand\n")
    assert write_beside_reports(small) == []
    assert sha256_made(small, "reports/sum.csv") == made


def test_params_as_snakemake_records_them():
    settings = {"lr": 0.1, "name": "é"}
    params = [repr(json.dumps(settings)), repr("0123456789abcdef"), repr("scratch"), "3", "not python {"]
    assert split_params(params) == (settings, "0123456789abcdef", ["scratch", 3, "not python {"])
    assert split_params([]) == (None, None, [])


def test_plot_page_needs_no_network(tmp_path):
    make_page(tmp_path)
    assert not (tmp_path / PAGE).exists()  # no DVC there
    (tmp_path / ".dvc").mkdir()
    make_page(tmp_path)
    text = (tmp_path / PAGE).read_text()
    assert "{plot_divs}" in text and "{scripts}" not in text and "window.vegaEmbed=" in text
    assert not re.search(r"<(script|link)[^>]+(src|href)=", text)
