"""Data frames in, Plotly figures out. Nothing here reads a database or knows Streamlit."""
