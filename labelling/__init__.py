"""The judgement protocol and what is estimated from it. Imports neither torch nor Streamlit."""
