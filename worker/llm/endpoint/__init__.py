"""The calling of models behind endpoints: paid once, stored, and as fast as the endpoint allows."""
