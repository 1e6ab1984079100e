"""What is this?"""

import streamlit as st

from dashboard import cached as cache
from dashboard.components.walk.element import latent_walk
from dashboard.shell import header, pages

ELBO = r"""
\begin{aligned}
\log p_\theta(x) &\ge \mathrm{ELBO}(x) \\
&= \mathbb E_{q_\phi(z \mid x)}[\log p_\theta(x \mid z)] \\
&\quad {} - \mathrm{KL}(q_\phi(z \mid x) \,\|\, p(z))
\end{aligned}
"""
SOURCES = r"""
$x$: an example, here an image; $z$: its latent variables, here two numbers; $q_\phi(z \mid x)$: the encoder's
approximate posterior; $p_\theta(x \mid z)$: the decoder's likelihood; $p(z) = \mathcal N(0, I)$: the prior.
The first term is the reconstruction, the second the KL divergence, both in nats per example.

- D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, ICLR 2014, arXiv 1312.6114.
- D. J. Rezende, S. Mohamed and D. Wierstra, *Stochastic Backpropagation and Approximate Inference in Deep
  Generative Models*, ICML 2014, arXiv 1401.4082.
- D. P. Kingma and M. Welling, *An Introduction to Variational Autoencoders*, 2019, arXiv 1906.02691.
- Digits: E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning
  Repository, 1998; the copy in scikit-learn.
"""

header.title("What is a VAE?")
st.write(
    "A variational autoencoder (VAE) learns to draw digits from two numbers. "
    "**Move the dot: every point of the plane decodes to a picture.** "
    "This dashboard measures how a VAE learns, what its latent variables encode, and how tight its bound on "
    "log p(x) is."
)
latent_walk(cache.pretrained_walk(), key="walk")
pages.draw_cards()
with st.expander("Sources"):
    st.latex(ELBO)
    st.markdown(SOURCES)
