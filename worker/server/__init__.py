"""All processes of Pricewright under one supervisor, and what is missing for them."""
