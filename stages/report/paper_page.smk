# paper_page: a page for every paper: its tables, figures and claims, with the sounds behind the numbers.
# In:  all that the paper's collector lists, papers/<paper>.yaml (block `page`), sets of clips, loss curves
# Out: reports/<paper>/index.html, reports/paper_assets/<paper>/ (sounds and pictures)
# A paper has a page as soon as its papers/<paper>.yaml has a block `page` and a rule <paper> collects its results.


use rule page_sounds as paper_sounds with:
    input:
        prepared="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
        sets=lambda w: page_sets(w.page, w.dataset),
        points=lambda w: page_points(w.page, w.dataset),
        controls=lambda w: page_controls(w.page, w.dataset),
    output:
        "<reports>/paper_assets/{page}/{dataset}/index.csv",
    log:
        "<logs>/report/page/{page}_{dataset}.log",
    params:
        settings=lambda w: sound_settings(w.page, w.dataset),
        code=code("stages.report.sounds"),


rule paper_page:
    input:
        **PAGE_INPUTS,
        paper="papers/{paper}.yaml",
        results=lambda w: collected(w.paper),
        sounds=lambda w: expand(
            "<reports>/paper_assets/{page}/{dataset}/index.csv", page=w.paper, dataset=PAGES[w.paper].datasets
        ),
        curves=lambda w: page_curves(w.paper),
        points=lambda w: page_points(w.paper),
        fad=lambda w: PAGES[w.paper].protocols or [],
    output:
        "<reports>/{paper}/index.html",
    log:
        "<logs>/report/page/{paper}.log",
    wildcard_constraints:
        paper="|".join(name for name in PAGES if name != OVERVIEW) or "none",
    params:
        settings=lambda w, input: page_settings(
            w.paper,
            results=list(input.results),
            results_root=f"{ROOT}reports",
            fad=PAGES[w.paper].protocols,
            points=PAGES[w.paper].points(),
        ),
        code=code("stages.report.page"),
        sounds=f"{ROOT}reports/paper_assets/{{paper}}",
    shell:
        "python -m stages.report.page --settings {params.settings:q} --paper {input.paper} --assets {input.assets}"
        " --sounds {params.sounds} --out {output} 2>&1 | tee {log}"
