# metrics: each table once more as JSON, which is what `dvc metrics diff` compares, and its first column for `dvc plots`.
# In:  reports/<table>.csv                Out: reports/<table>.metrics.json, reports/<table>.plot.csv


localrules:
    metrics,


def tables(wildcards):
    """Every CSV file that a rule of this step makes, beside it."""
    return [
        path.removesuffix(".csv") + ".metrics.json"
        for rule in workflow.rules
        if rule.name != "table_metrics" and "/stages/report/" in str(rule.snakefile)
        for path in rule.output
        if path.endswith(".csv") and "{" not in path
    ]


rule metrics:
    input:
        tables,


rule table_metrics:
    input:
        "<reports>/{table}.csv",
    output:
        metrics="<reports>/{table}.metrics.json",
        plot="<reports>/{table}.plot.csv",
    log:
        "<logs>/report/{table}.metrics.log",
    wildcard_constraints:
        table=r"(?!evaluate/)[\w/]+",
    params:
        settings=settings(),
        code=code("stages.report.metrics"),
    shell:
        "python -m stages.report.metrics --settings {params.settings:q} --table {input} --metrics {output.metrics}"
        " --plot {output.plot} 2>&1 | tee {log}"
