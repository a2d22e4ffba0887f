# ablation: FAD of reconstructions with a level taken away, judged as the whole ones are, against the same reference.
# In:  data/ablated/.../index.csv, models/judges/<dataset>/<embedding>/, data/embeddings/<dataset>/<embedding>/reference/
# Out: data/ablated_embeddings/.../embeddings.npz, reports/evaluate/ablation/<dataset>/<codec>/<system>_without_.../<seed>/<embedding>.csv


use rule embed_clips as embed_ablated with:
    input:
        judge="<models>/judges/{dataset}/{embedding}/judge.json",
        clips="<data>/ablated/{dataset}/{codec}/{system}/{seed}/index.csv",
    output:
        "<data>/ablated_embeddings/{dataset}/{embedding}/{codec}/{system}/{seed}/embeddings.npz",
    log:
        "<logs>/embed_ablated/{dataset}/{embedding}/{codec}/{system}/{seed}.log",


use rule fad_of_set as fad_of_ablated with:
    input:
        reference="<data>/embeddings/{dataset}/{embedding}/reference/embeddings.npz",
        generated="<data>/ablated_embeddings/{dataset}/{embedding}/{codec}/{system}/{seed}/embeddings.npz",
    output:
        csv="<reports>/evaluate/ablation/{dataset}/{codec}/{system}/{seed}/{embedding}.csv",
        files="<reports>/evaluate/ablation/{dataset}/{codec}/{system}/{seed}/{embedding}.files.csv",
    log:
        "<logs>/fad_ablated/{dataset}/{embedding}/{codec}/{system}/{seed}.log",
