# The claims of Pichard 2024, each decided by a statistic of the tables and figures. They come last: they read all of them.
# In:  reports/pichard2024/table*.csv, papers/pichard2024_claims.yaml   Out: reports/pichard2024/claims.{csv,md}


rule pichard2024_claims:
    input:
        **PAPER,
        claims="papers/pichard2024_claims.yaml",
        evidence=[
            *expand("<reports>/pichard2024/table{number}.csv", number=[1, 2, 3, 4, 5]),
            *rules.projection.input,
        ],
    output:
        csv=report(
            "<reports>/pichard2024/claims.csv",
            caption="captions/claims.rst",
            category="Pichard 2024",
            labels={"shown": "Claims", "about": "what holds, what fails"},
        ),
        md="<reports>/pichard2024/claims.md",
    log:
        "<logs>/report/pichard2024/claims.log",
    params:
        settings=paper_settings(),
        code=code("stages.report.claims"),
        evidence=lambda w, input: ",".join(input.evidence),
    shell:
        "python -m stages.report.claims --settings {params.settings:q} --claims {input.claims} --printed {input.printed}"
        " --evidence {params.evidence} --csv {output.csv} --md {output.md} 2>&1 | tee {log}"
