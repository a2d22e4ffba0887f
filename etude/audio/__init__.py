"""Audio as arrays: files, resampling, loudness, mel spectrograms."""
