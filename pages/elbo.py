"""How good is the bound? (log p(x), the ELBO and every part of the gap between them; all are measured.)"""

from dashboard.elbo import page as elbo_page
from dashboard.shell import header

elbo_page.draw(header.subject())
