# page: what one looks at and listens to: reports/index.html, and a page for every paper, with the sounds behind the numbers.
# In:  all that a paper's collector lists, papers/<paper>.yaml (block `page`), sets of clips, loss curves
# Out: reports/index.html, reports/<paper>/index.html, reports/assets/ (sounds, pictures, style, script)
# A paper has a page as soon as its papers/<paper>.yaml has a block `page` and a rule <paper> collects its results.
from stages.report.pages.plan import OVERVIEW, SPEC, Plan, specifications


localrules:
    page,


rule page:
    input:
        "<reports>/index.html",


PAGES = {name: Plan(page, PARAMS, ROOT) for name, page in specifications().items()}
PAGE_CODE = "stages/report/pages"


def page_indexes(page):
    """The sounds of a page, data set by data set."""
    return [f"<reports>/assets/{page}/{dataset}/index.csv" for dataset in PAGES[page].datasets]


def page_curves(page):
    return [one["path"] for one in PAGES[page].curves()]


def page_points(page, dataset=None):
    return [one["path"] for one in PAGES[page].points(dataset)]


def page_settings(page, **more):
    plan = PAGES[page]
    return settings(
        scale=PARAMS["scale"],
        variant=PARAMS["variant"],
        seeds=plan.words.get("seed", GRID["seeds"]),
        curves=plan.curves(),
        sounds=[{"dataset": dataset, "groups": plan.listen(dataset)} for dataset in plan.datasets],
        **more,
    )


def collected(paper):
    """What the collector of ``paper`` asks for besides its page, and beside each readable table the tidy one."""
    found = [path for path in files_of(getattr(rules, paper).input) if not path.endswith("/index.html")]
    return list(dict.fromkeys([*found, *(path[:-3] + ".csv" for path in found if path.endswith(".md"))]))


rule page_assets:
    input:
        style=f"{PAGE_CODE}/page.css",
        script=f"{PAGE_CODE}/page.js",
    output:
        "<reports>/assets/page.css",
        "<reports>/assets/page.js",
        "<reports>/assets/vega.js",
    log:
        "<logs>/report/page/assets.log",
    params:
        settings=settings(),
        code=code("stages.report.page_assets"),
    shell:
        "python -m stages.report.page_assets --settings {params.settings:q} --style {input.style} --script {input.script}"
        " --out {output[0]} 2>&1 | tee {log}"


rule page_sounds:
    input:
        prepared="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
        sets=lambda w: [
            f"{one['folder']}/index.csv" for group in PAGES[w.page].listen(w.dataset) for one in group["sets"]
        ],
        points=lambda w: page_points(w.page, w.dataset),
    output:
        "<reports>/assets/{page}/{dataset}/index.csv",
    log:
        "<logs>/report/page/{page}_{dataset}.log",
    wildcard_constraints:
        page="|".join(PAGES),
    params:
        settings=lambda w: settings(
            clips=PARAMS["report"]["clips"],
            sounding=PARAMS["report"]["points"],
            groups=PAGES[w.page].listen(w.dataset),
            points=page_points(w.page, w.dataset),
        ),
        code=code("stages.report.sounds"),
    shell:
        "python -m stages.report.sounds --settings {params.settings:q} --prepared {input.prepared} --out {output}"
        " 2>&1 | tee {log}"


PAGE_INPUTS = {
    "assets": "<reports>/assets/page.css",
    "templates": expand(f"{PAGE_CODE}/{{name}}.html.j2", name=["base", "parts", "overview", "paper"]),
}


rule paper_page:
    input:
        **PAGE_INPUTS,
        paper="papers/{paper}.yaml",
        results=lambda w: collected(w.paper),
        sounds=lambda w: page_indexes(w.paper),
        curves=lambda w: page_curves(w.paper),
        points=lambda w: page_points(w.paper),
        fad="<reports>/fad.csv",
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
            fad=input.fad,
            points=PAGES[w.paper].points(),
        ),
        code=code("stages.report.page"),
    shell:
        "python -m stages.report.page --settings {params.settings:q} --paper {input.paper} --assets {input.assets}"
        " --out {output} 2>&1 | tee {log}"


rule overview:
    input:
        **PAGE_INPUTS,
        spec=str(SPEC),
        fad="<reports>/fad.csv",
        readable="<reports>/fad.md",
        printed="papers/pichard2024_tables.csv",
        facts="papers/pichard2024.yaml",
        papers=lambda w: [path for paper in PARAMS["report"]["papers"] for path in collected(paper)],
        pages=expand("<reports>/{paper}/index.html", paper=PARAMS["report"]["papers"]),
        sounds=page_indexes(OVERVIEW),
        curves=page_curves(OVERVIEW),
    output:
        "<reports>/index.html",
    log:
        "<logs>/report/page/overview.log",
    params:
        settings=page_settings(OVERVIEW, papers=PARAMS["report"]["papers"], grid=GRID),
        code=code("stages.report.overview"),
    shell:
        "python -m stages.report.overview --settings {params.settings:q} --fad {input.fad} --printed {input.printed}"
        " --assets {input.assets} --out {output} 2>&1 | tee {log}"
