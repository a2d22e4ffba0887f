"""Controls that vary over time: what a generator of audio is told, frame by frame, about what to play."""
