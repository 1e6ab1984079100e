"""Why reparameterise, and what does back-propagation compute? (Estimators, and every gradient by hand.)"""

from dashboard.labs import gradients_page

gradients_page.draw()
