# Tables 4 and 5 of Pichard 2024: what travels with each level.
# In:  reports/evaluate/transfer/..., models/timbre/<dataset>/timbre.json, reports/pichard2024/table{2,3}.csv
# Out: reports/pichard2024/table4.{csv,md}, table5.{csv,md}


def transfer_scores(datasets):
    """The scores of every cell of the grid on ``datasets``, and their bounds."""
    systems = expand(
        "<reports>/evaluate/transfer/{dataset}/{codec}/{system}/{seed}.csv",
        dataset=datasets,
        codec=GRID["codecs"],
        system=GRID["systems"],
        seed=GRID["seeds"],
    )
    bounds = expand(
        "<reports>/evaluate/transfer/{dataset}/{codec}/bounds/0.csv", dataset=datasets, codec=GRID["codecs"]
    )
    return systems + bounds


def transfer_table_settings(table, datasets):
    return paper_settings(
        table=table,
        datasets=datasets,
        transfer=PARAMS["transfer"],
        metric_code=code("stages.evaluate.transfer"),
    )


rule pichard2024_table4:
    input:
        **PAPER,
        scores=transfer_scores(like("NSynth")),
        timbre=expand("<models>/timbre/{dataset}/timbre.json", dataset=like("NSynth")),
        probes="<reports>/pichard2024/table2.csv",
    output:
        csv=report(
            "<reports>/pichard2024/table4.csv",
            caption="captions/paper_table.rst",
            category="Pichard 2024",
            labels={"shown": "Table 4", "about": "transfer, notes"},
        ),
        md="<reports>/pichard2024/table4.md",
    log:
        "<logs>/report/pichard2024/table4.log",
    params:
        settings=transfer_table_settings("4", like("NSynth")),
        code=code("stages.report.transfer_table"),
        evaluated=f"{ROOT}reports/evaluate/transfer",
        timbre=lambda w, input: ",".join(input.timbre),
    shell:
        "python -m stages.report.transfer_table --settings {params.settings:q} --evaluated {params.evaluated}"
        " --timbre={params.timbre:q} --probes {input.probes} --printed {input.printed}"
        " --csv {output.csv} --md {output.md} 2>&1 | tee {log}"


use rule pichard2024_table4 as pichard2024_table5 with:
    input:
        **PAPER,
        scores=transfer_scores(like("Slakh")),
        timbre=expand("<models>/timbre/{dataset}/timbre.json", dataset=like("Slakh")),
        probes="<reports>/pichard2024/table3.csv",
    output:
        csv=report(
            "<reports>/pichard2024/table5.csv",
            caption="captions/paper_table.rst",
            category="Pichard 2024",
            labels={"shown": "Table 5", "about": "transfer, pieces"},
        ),
        md="<reports>/pichard2024/table5.md",
    log:
        "<logs>/report/pichard2024/table5.log",
    params:
        settings=transfer_table_settings("5", like("Slakh")),
        code=code("stages.report.transfer_table"),
        evaluated=f"{ROOT}reports/evaluate/transfer",
        timbre=lambda w, input: ",".join(input.timbre),
