"""What of Streamlit works otherwise here, by names that are not public: read again with each version."""
