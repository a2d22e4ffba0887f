"""Where thesis, released code and sound practice differ (P-06, P-09, P-10, P-12, P-19).

``text`` follows the thesis's words, ``released`` the published code with its slips, ``corrected`` takes of both what is
certain and right in time. A key that params.yaml sets to null gets its value from here; a key that it sets wins.
"""

VARIANTS: dict[str, dict[str, str | float]] = {
    "text": {
        "encode.mel.pyramid": "pool",
        "systems.hdae.conditioning": "hold",
        "systems.msdae.conditioning": "levels_1_3_5",
        "systems.msdae.residual": "plain",
        "systems.msdae.stride": "both",
        "generate.sampler.name": "alpha_heun",
        "generate.sampler.alpha": 1.1,
    },
    "released": {
        "encode.mel.pyramid": "recompute",
        "systems.hdae.conditioning": "tiled",
        "systems.msdae.conditioning": "tiled",
        "systems.msdae.residual": "cumulative",
        "systems.msdae.stride": "mel",
        "generate.sampler.name": "alpha_heun_released",
        "generate.sampler.alpha": 1.1,
    },
    "corrected": {
        "encode.mel.pyramid": "pool",
        "systems.hdae.conditioning": "hold",
        "systems.msdae.conditioning": "hold",
        "systems.msdae.residual": "cumulative",
        "systems.msdae.stride": "mel",
        "generate.sampler.name": "alpha_heun",
        "generate.sampler.alpha": 0.5,
    },
}
