"""Where does the bound come from? (The free energy of any q; EM climbs it in stairs.)"""

from dashboard.free_energy import page as free_energy_page

free_energy_page.draw()
