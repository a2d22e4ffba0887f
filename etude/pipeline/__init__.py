"""What joins the library to Snakemake: the harness of a stage's command line, code digests, locks, costs."""
