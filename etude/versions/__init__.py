"""What joins Snakemake to DVC: Snakemake runs, DVC remembers, and neither believes the other without a look.

projection    the Snakefile as dvc.yaml
records       Snakemake's records of its jobs: the one file that touches its private interfaces
lockfile      snakemake.lock, the records that travel with dvc.lock
inside        a DVC stage that runs Snakemake
together      DVC for many stages that are named: the one file that touches its inner parts
seal, restore, check, sync, why    the commands
"""
