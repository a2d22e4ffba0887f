# metric: every metric of grid.metrics on every set of reconstructions, clip by clip beside the originals.
# In:  data/prepared/<dataset>/, data/generated/.../index.csv
# Out: reports/evaluate/metric/<dataset>/<codec>/<system>/<seed>/<metric>.csv and .files.csv


localrules:
    metric,


def metric_sets(system, seed):
    return expand(
        "<reports>/evaluate/metric/{dataset}/{codec}/{system}/{seed}/{metric}.csv",
        dataset=GRID["datasets"],
        codec=GRID["codecs"],
        system=system,
        seed=seed,
        metric=METRICS,
    )


rule metric:
    input:
        metric_sets(GRID["systems"], GRID["seeds"]),


rule metric_of_set:
    input:
        data="<data>/prepared/{dataset}/index.csv",
        clips="<data>/generated/{dataset}/{codec}/{system}/{seed}/index.csv",
    output:
        csv="<reports>/evaluate/metric/{dataset}/{codec}/{system}/{seed}/{metric}.csv",
        files="<reports>/evaluate/metric/{dataset}/{codec}/{system}/{seed}/{metric}.files.csv",
    log:
        "<logs>/metric/{dataset}/{codec}/{system}/{seed}/{metric}.log",
    wildcard_constraints:
        metric=r"[a-z][a-z0-9_]*",
    params:
        settings=lambda w: settings(
            metric=w.metric,
            split=PARAMS["generate"]["split"],
            groups=PARAMS["evaluate"]["groups"],
            labels=dict(w.items()),
        ),
        code=lambda w: code("stages.evaluate.metric", f"etude.metrics.{w.metric}"),
    shell:
        "python -m stages.evaluate.metric --settings {params.settings:q} --data {input.data} --clips {input.clips}"
        " --out {output.csv} 2>&1 | tee {log}"
