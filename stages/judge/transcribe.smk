# transcribe: the notes that Basic Pitch hears, once per set of clips, for all that need them.
# In:  data/generated/.../index.csv, data/transfer/.../index.csv, data/prepared/<dataset>/
# Out: data/transcriptions/<kind>/<dataset>/<codec>/<system>/<seed>/notes.csv, data/transcriptions/originals/<dataset>/notes.csv


rule transcribe_clips:
    input:
        clips="<data>/{kind}/{dataset}/{codec}/{system}/{seed}/index.csv",
    output:
        "<data>/transcriptions/{kind}/{dataset}/{codec}/{system}/{seed}/notes.csv",
    log:
        "<logs>/transcribe/{kind}/{dataset}/{codec}/{system}/{seed}.log",
    wildcard_constraints:
        kind="generated|transfer",
    resources:
        runtime=120,
        mem_mb=2000,
    params:
        settings=settings(PARAMS["transcription"]),
        code=code("stages.judge.transcribe"),
    shell:
        "python -m stages.judge.transcribe --settings {params.settings:q} --clips {input.clips} --out {output}"
        " 2>&1 | tee {log}"


# The clips that are reconstructed, as they were before.
use rule transcribe_clips as transcribe_originals with:
    input:
        clips="<data>/prepared/{dataset}/index.csv",
        audio="<data>/prepared/{dataset}/audio.npy",
    output:
        "<data>/transcriptions/originals/{dataset}/notes.csv",
    log:
        "<logs>/transcribe/originals/{dataset}.log",
    params:
        settings=settings(
            PARAMS["transcription"],
            split=PARAMS["generate"]["split"],
            clips=PARAMS["generate"]["clips"],
        ),
        code=code("stages.judge.transcribe"),
