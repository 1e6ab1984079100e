"""What else can be Bayesian? (A prior that is learned, and weights that have a posterior.)"""

from dashboard.labs import priors_page

priors_page.draw()
