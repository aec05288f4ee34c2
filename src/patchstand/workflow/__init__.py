"""One straight-line function per verb of the product; only this folder knows the stages."""
