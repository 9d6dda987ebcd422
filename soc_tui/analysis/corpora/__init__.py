"""Readers of labelled data for training and evaluation. The data sets themselves are no part of the product."""
