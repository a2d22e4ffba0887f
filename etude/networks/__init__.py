"""Neural networks: blocks, U-Nets and encoders, without objectives and without data."""
