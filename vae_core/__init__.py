"""A small variational autoencoder in PyTorch whose numbers can be trusted: no Streamlit, no Plotly.

Bottom to top: ``config`` <- ``data``; ``distributions`` <- ``networks`` <- ``model`` <- ``elbo``
<- ``training``; beside them ``runfile``; on top ``worker``.
"""
