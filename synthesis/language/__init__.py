"""Language: a probabilistic feature grammar that puts a draft into words without a model.

A persona has a voice in one of six registers. A message has a frame, a request in one of many constructions around the
verbs of its goal, rows named and values said in other words than before, perhaps a reason or a true side fact, and what
ties it to the turn before. What means something is sealed, so that the manner around it is free; what is too like the
run's last messages is drawn again.
"""
