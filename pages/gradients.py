"""Why reparameterise, and what does back-propagation compute? (Estimators, and every gradient by hand.)"""

from dashboard.gradients import page as gradients_page

gradients_page.draw()
