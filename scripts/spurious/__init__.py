"""Inputs that fool image classifiers: find them, retrain against them, filter them, measure every step.

Plain functions on tensors. Nothing here knows of snakemake, of paths or of printing.
"""
