"""Diffusion: preconditioning, training objectives and samplers, for any network."""
