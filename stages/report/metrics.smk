# metrics: the metrics of grid.metrics as one table; made when there are any.
# In:  reports/evaluate/metric/...   Out: reports/metrics.csv (tidy) and reports/metrics.md (to read)


rule metrics_table:
    input:
        systems=metric_sets(GRID["systems"], GRID["seeds"]),
        untrained=metric_sets([f"untrained_{system}" for system in GRID["systems"]], 0),
        round_trip=metric_sets("round_trip", 0),
    output:
        csv=report(
            "<reports>/metrics.csv",
            caption="captions/metrics.rst",
            category="Tables of every run",
            labels={"table": "metrics of the user's own"},
        ),
        md="<reports>/metrics.md",
    log:
        "<logs>/report/metrics.log",
    params:
        settings=settings(scale=PARAMS["scale"], variant=PARAMS["variant"], grid=GRID, metrics=METRICS),
        code=code("stages.report.metrics"),
        folder=subpath(output.csv, parent=True),
    shell:
        "python -m stages.report.metrics --settings {params.settings:q} --evaluated {params.folder}/evaluate/metric"
        " --csv {output.csv} --md {output.md} 2>&1 | tee {log}"
