# One job, under the name of a rule that the profile gives a GPU. run.sh starts it with those lines uncommented.


rule train_system:
    output:
        "device",
    shell:
        "echo partition ${{SLURM_JOB_PARTITION:-none}}, device ${{CUDA_VISIBLE_DEVICES:-none}} > {output}"
