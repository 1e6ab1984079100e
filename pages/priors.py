"""What else can be Bayesian? (A prior that is learned, and weights that have a posterior.)"""

from dashboard.priors import page as priors_page

priors_page.draw()
