"""The demonstration: real events of the movement (coproduction-events.csv) and plainly made-up upcoming ones."""
