"""How good is the bound? (log p(x), the ELBO and every part of the gap between them; all are measured.)"""

from dashboard import elbo_page
from dashboard.run_header import subject

elbo_page.draw(subject())
