"""One module a page, each with `render() -> None`; `streamlit_app.py` says who may see which."""
