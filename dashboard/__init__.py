"""Everything that is shaped by Streamlit or Plotly. Imports go pages -> dashboard -> vae_core."""
