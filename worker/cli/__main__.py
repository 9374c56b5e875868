"""`python -m worker.cli` is `pricewright`."""

from worker.cli.main import main

main()
