# page: what one looks at and listens to: reports/index.html, with the sounds behind the numbers.
# In:  reports/fad.csv, sets of clips, loss curves, and what the papers list that report.papers names
# Out: reports/index.html, reports/assets/ (sounds, pictures, style, script)
from stages.report.pages.plan import OVERVIEW, SPEC, Plan, specifications


localrules:
    page,


rule page:
    input:
        "<reports>/index.html",


PAGES = {name: Plan(page, PARAMS, ROOT) for name, page in specifications().items()}
PAGE_CODE = "stages/report/pages"


def page_sets(page, dataset):
    """The sets of clips of ``dataset`` that sound on a page."""
    return [f"{one['folder']}/index.csv" for group in PAGES[page].listen(dataset) for one in group["sets"]]


def page_curves(page):
    return [one["path"] for one in PAGES[page].curves()]


def page_controls(page, dataset):
    """What the clips that sound on a page were played under."""
    wanted = [group["controls"] for group in PAGES[page].listen(dataset) if "controls" in group]
    names = ("format.json", "index.csv", "clips.npy", "controls.npy")
    found = [f"{one['format']}/{name}" for one in wanted for name in names]
    found += [str(path) for one in wanted if "files" in one for path in sorted(Path(one["files"]).glob("*.csv"))]
    return list(dict.fromkeys(found))


def page_points(page, dataset=None):
    return [one["path"] for one in PAGES[page].points(dataset)]


def sound_settings(page, dataset):
    return settings(
        clips=PARAMS["report"]["clips"],
        sounding=PARAMS["report"]["points"],
        groups=PAGES[page].listen(dataset),
        points=page_points(page, dataset),
    )


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
    found = [path for path in files_of(getattr(rules, paper).input) if Path(path).name != "index.html"]
    return list(dict.fromkeys([*found, *(path[:-3] + ".csv" for path in found if path.endswith(".md"))]))


rule page_assets:
    input:
        style=f"{PAGE_CODE}/page.css",
        script=f"{PAGE_CODE}/page.js",
    output:
        style="<reports>/assets/page.css",
        script="<reports>/assets/page.js",
        vega="<reports>/assets/vega.js",
    log:
        "<logs>/report/page/assets.log",
    params:
        settings=settings(),
        code=code("stages.report.page_assets"),
    shell:
        "python -m stages.report.page_assets --settings {params.settings:q} --style {input.style} --script {input.script}"
        " --out {output.style} 2>&1 | tee {log}"


rule page_sounds:
    input:
        prepared="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
        sets=lambda w: page_sets(OVERVIEW, w.dataset),
    output:
        "<reports>/assets/overview/{dataset}/index.csv",
    log:
        "<logs>/report/page/overview_{dataset}.log",
    params:
        settings=lambda w: sound_settings(OVERVIEW, w.dataset),
        code=code("stages.report.sounds"),
    shell:
        "python -m stages.report.sounds --settings {params.settings:q} --prepared {input.prepared} --out {output}"
        " 2>&1 | tee {log}"


PAGE_INPUTS = {
    "assets": "<reports>/assets/page.css",
    "templates": expand(f"{PAGE_CODE}/{{name}}.html.j2", name=["base", "parts", "overview", "paper"]),
}


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
        sounds=expand("<reports>/assets/overview/{dataset}/index.csv", dataset=PAGES[OVERVIEW].datasets),
        curves=page_curves(OVERVIEW),
    output:
        "<reports>/index.html",
    log:
        "<logs>/report/page/overview.log",
    params:
        settings=page_settings(OVERVIEW, papers=PARAMS["report"]["papers"], grid=GRID),
        code=code("stages.report.overview"),
        sounds=f"{ROOT}reports/assets/overview",
    shell:
        "python -m stages.report.overview --settings {params.settings:q} --fad {input.fad} --printed {input.printed}"
        " --assets {input.assets} --sounds {params.sounds} --out {output} 2>&1 | tee {log}"


include: "paper_page.smk"
