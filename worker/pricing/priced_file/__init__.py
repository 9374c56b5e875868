"""The priced file: the file that was uploaded, with what a job says of each line beside it."""
