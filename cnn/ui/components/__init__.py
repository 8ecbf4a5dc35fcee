"""What Streamlit and Plotly cannot do: parts of a page with JavaScript of their own, and a steady chart."""
