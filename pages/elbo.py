"""How good is the bound? (log p(x), the ELBO and every part of the gap between them; all are measured.)"""

from dashboard.elbo import page as elbo_page
from dashboard.subject import subject

elbo_page.draw(subject())
